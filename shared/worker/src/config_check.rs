//! The check of a job's configuration before the job is created.

use jobs::{Config, FieldError, JobType};
use release_files::package::nfo_template;
use serde_json::{Map, Value};

/// Checks a configuration with its NFO template, which only the package's code can parse.
///
/// # Errors
/// Every error, with the fields named `config_json.<field>`.
pub fn check_config(job_type: JobType, config: &Map<String, Value>) -> Result<(), Vec<FieldError>> {
    let (Config::Packaging(config) | Config::Repack(config)) = Config::parse(job_type, config)?
    else {
        return Ok(());
    };
    let checked = config
        .template
        .as_deref()
        .map_or(Ok(()), nfo_template::check);
    checked.map_err(|error| {
        let message = format!("is refused: {error}");
        vec![FieldError::new(
            "config_json.template",
            message.trim_end_matches('.'),
        )]
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn broken_template_is_refused_by_name() {
        let check = |template: &str| {
            let config = json!({ "template": template });
            check_config(JobType::Packaging, config.as_object().unwrap())
        };
        assert_eq!(check("{{ title }}"), Ok(()));
        for template in ["{{ tilte }}", "{% if %}"] {
            let errors = check(template).unwrap_err();
            assert_eq!(errors[0].field, "config_json.template", "{errors:?}");
        }
    }
}
