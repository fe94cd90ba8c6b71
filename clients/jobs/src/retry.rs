//! Repeats what failed for a reason that passes.

use std::time::Duration;

use crate::error::Error;

/// The waits before each further try: about a minute in all.
const DELAYS: [Duration; 7] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
    Duration::from_secs(30),
];
/// A server may ask for a longer wait than the delay, but not for one above this.
const MAX_DELAY: Duration = Duration::from_mins(1);

/// The number of tries, and how one waits between them.
pub struct Retry {
    retries: usize,
    sleep: Box<dyn Fn(Duration)>,
    notify: Box<dyn Fn(&str)>,
}

impl Retry {
    /// Repeats for about a minute. `notify` gets a line for a person before each wait.
    pub fn new(sleep: impl Fn(Duration) + 'static, notify: impl Fn(&str) + 'static) -> Self {
        Self {
            retries: DELAYS.len(),
            sleep: Box::new(sleep),
            notify: Box::new(notify),
        }
    }

    /// Repeats at most this often.
    pub fn at_most(mut self, retries: usize) -> Self {
        self.retries = retries.min(DELAYS.len());
        self
    }

    /// Calls `send` until it succeeds, fails for good or has failed too often. Calls it once if it
    /// is not safe to repeat.
    pub fn run<T>(
        &self,
        is_safe: bool,
        mut send: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let retries = if is_safe { self.retries } else { 0 };
        for delay in &DELAYS[..retries] {
            let error = match send() {
                Err(error) if error.is_transient() => error,
                result => return result,
            };
            let delay = error.retry_after().unwrap_or(*delay).min(MAX_DELAY);
            (self.notify)(&format!(
                "{error}; trying again in {} s",
                delay.as_secs_f32()
            ));
            (self.sleep)(delay);
        }
        send()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;
    use crate::error::Refusal;

    fn unavailable(retry_after: Option<Duration>) -> Error {
        Refusal::new("list jobs", 503, retry_after, b"").into()
    }

    fn recording() -> (Retry, Rc<RefCell<Vec<Duration>>>) {
        let waits = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&waits);
        let retry = Retry::new(move |wait| seen.borrow_mut().push(wait), |_| ());
        (retry, waits)
    }

    #[test]
    fn outage_is_waited_out_for_about_a_minute() {
        let (retry, waits) = recording();
        let mut calls = 0;
        let result = retry.run(true, || -> Result<(), Error> {
            calls += 1;
            Err(unavailable(None))
        });
        assert!(result.is_err());
        assert_eq!(calls, 8);
        let total: Duration = waits.borrow().iter().sum();
        assert!((55..65).contains(&total.as_secs()), "{total:?}");
    }

    #[test]
    fn server_chooses_the_wait_within_a_minute() {
        let (retry, waits) = recording();
        let mut asked = [Some(Duration::from_secs(3)), Some(Duration::from_mins(15))].into_iter();
        let result = retry.run(true, || match asked.next() {
            Some(wait) => Err(unavailable(wait)),
            None => Ok(5),
        });
        assert_eq!(result.unwrap(), 5);
        assert_eq!(*waits.borrow(), [Duration::from_secs(3), MAX_DELAY]);
    }

    #[test]
    fn unsafe_request_and_refusal_are_sent_once() {
        let (retry, waits) = recording();
        for (is_safe, status) in [(false, 503), (true, 409)] {
            let mut calls = 0;
            let result = retry.run(is_safe, || -> Result<(), Error> {
                calls += 1;
                Err(Refusal::new("x", status, None, b"").into())
            });
            assert!(result.is_err());
            assert_eq!(calls, 1);
        }
        assert!(waits.borrow().is_empty());
    }
}
