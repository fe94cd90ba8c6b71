//! The connections to the live channel, and what each watches. A watch is two items: one is found by
//! its connection, the other by what it watches.

use aws::AwsError;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use futures::future::try_join_all;
use jobs::{Job, JobId, Session, Time};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{MAX_CONNECTION_TIME, SessionItem, Watched};
use crate::{
    Store, Updated,
    item::{Item, from_item, job_from_item, to_item},
    keys::{self, Key},
    sdk_error,
    update::{Update, n, s},
};

/// Sort key of a connection's session. It sorts before those of its watches.
const SESSION: &str = "SESSION";
/// Beginning of the sort keys of a connection's watches.
const WATCH: &str = "WATCH#";

/// A connection's session, or one of its watches, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct ConnectionItem {
    pk: String,
    sk: String,
    #[serde(flatten)]
    session: SessionItem,
    made_at: i64,
    /// In seconds, for DynamoDB's TTL.
    expires_at: i64,
}

/// A connection to the live channel.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its id in API Gateway.
    pub id: String,
    /// The user who opened it.
    pub session: Session,
    /// What it watches.
    pub watches: Vec<Watched>,
}

/// A connection that watches something.
#[derive(Clone, Debug)]
pub struct Watcher {
    /// The connection's id in API Gateway.
    pub connection: String,
    /// The user who opened it.
    pub session: Session,
    /// The time at which the watch began.
    pub since: Time,
}

impl ConnectionItem {
    fn new(key: Key, session: Session, now: Time) -> Self {
        let expires_at = now.after(MAX_CONNECTION_TIME).min(session.expires_at);
        Self {
            pk: key.pk,
            sk: key.sk,
            session: session.into(),
            made_at: now.millis(),
            expires_at: expires_at.seconds(),
        }
    }

    fn into_watcher(self) -> Watcher {
        Watcher {
            connection: self.sk,
            session: self.session.into(),
            since: Time::from_millis(self.made_at),
        }
    }
}

impl Store {
    /// Stores a new connection.
    pub async fn open_connection(
        &self,
        id: &str,
        session: Session,
        now: Time,
    ) -> Result<(), AwsError> {
        let key = Key {
            pk: keys::connection(id),
            sk: SESSION.to_owned(),
        };
        self.put(to_item(ConnectionItem::new(key, session, now))?)
            .await
    }

    /// Reads a connection with what it watches, consistently; `None` if it is not open.
    pub async fn connection(&self, id: &str) -> Result<Option<Connection>, AwsError> {
        let items = self.partition(keys::connection(id), None, true).await?;
        let items = items
            .into_iter()
            .map(from_item)
            .collect::<Result<Vec<ConnectionItem>, _>>()?;
        let watch = |item: &ConnectionItem| Watched::parse(item.sk.strip_prefix(WATCH)?);
        let watches = items.iter().filter_map(watch).collect();
        let session = items.into_iter().find(|item| item.sk == SESSION);
        Ok(session.map(|item| Connection {
            id: id.to_owned(),
            session: item.session.into(),
            watches,
        }))
    }

    /// Removes a connection with its watches.
    pub async fn close_connection(&self, id: &str) -> Result<(), AwsError> {
        let items = self.partition(keys::connection(id), None, true).await?;
        let mut deletes = Vec::new();
        for item in items {
            let item: ConnectionItem = from_item(item)?;
            if let Some(watched) = item.sk.strip_prefix(WATCH) {
                deletes.push((keys::watchers(watched), id.to_owned()));
            }
            deletes.push((item.pk, item.sk));
        }
        let deletes = deletes
            .into_iter()
            .map(|(pk, sk)| self.delete(Key { pk, sk }));
        try_join_all(deletes).await.map(|_| ())
    }

    /// Counts those who watch, up to `limit`.
    pub async fn count_watchers(&self, watched: Watched, limit: usize) -> Result<usize, AwsError> {
        let query = self.client.query().table_name(&self.table);
        let query = query
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(keys::watchers(&watched.key())))
            .select(Select::Count)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let output = query.send().await.map_err(|error| sdk_error(&error))?;
        Ok(usize::try_from(output.count).unwrap_or_default())
    }

    /// Reads those who watch, up to `limit`, consistently.
    pub async fn watchers(&self, watched: Watched, limit: i32) -> Result<Vec<Watcher>, AwsError> {
        let pk = keys::watchers(&watched.key());
        let items = self.partition(pk, Some(limit), true).await?;
        let read = |item| {
            let item: Result<ConnectionItem, _> = from_item(item);
            item.inspect_err(|error| tracing::error!(%error, "failed to read a watch"))
        };
        let items = items.into_iter().filter_map(|item| read(item).ok());
        Ok(items.map(ConnectionItem::into_watcher).collect())
    }

    /// Begins a watch of an open connection, or completes one that lacks an item.
    pub async fn watch(
        &self,
        connection: &Connection,
        watched: Watched,
        now: Time,
    ) -> Result<(), AwsError> {
        let puts = watch_keys(&connection.id, watched).map(async |key| {
            let item = ConnectionItem::new(key, connection.session, now);
            self.put(to_item(item)?).await
        });
        try_join_all(puts).await.map(|_| ())
    }

    /// Ends a watch.
    pub async fn unwatch(&self, connection: &str, watched: Watched) -> Result<(), AwsError> {
        let deletes = watch_keys(connection, watched).map(|key| self.delete(key));
        try_join_all(deletes).await.map(|_| ())
    }

    /// Marks a job as watched, so that its changes are pushed. Returns the job; `None` if there is
    /// none.
    pub async fn mark_watched(&self, id: JobId) -> Result<Option<Job>, AwsError> {
        let token: u32 = jobs::random().random();
        let update = Update::new(keys::job(id))
            .set("live", n(token))
            .only_if("attribute_exists(#pk)");
        match self.update(update).await? {
            Updated::Done(item) => job_from_item(item).map(Some),
            Updated::Refused(_) => Ok(None),
        }
    }

    /// Removes the mark of a job that nobody watches any longer, unless a watch has begun since it
    /// was `live`.
    pub async fn unmark_watched(&self, id: JobId, live: u32) -> Result<(), AwsError> {
        let update = Update::new(keys::job(id))
            .remove("live")
            .only_if("#live = :live")
            .value(":live", n(live));
        self.update(update).await.map(|_| ())
    }

    async fn put(&self, item: Item) -> Result<(), AwsError> {
        let call = self.client.put_item().table_name(&self.table);
        let put = call.set_item(Some(item)).send().await;
        put.map(|_| ()).map_err(|error| sdk_error(&error))
    }

    async fn delete(&self, key: Key) -> Result<(), AwsError> {
        let call = self.client.delete_item().table_name(&self.table);
        let call = call.key("pk", key.pk()).key("sk", key.sk());
        let delete = call.send().await;
        delete.map(|_| ()).map_err(|error| sdk_error(&error))
    }

    /// Reads the items of a partition, up to `limit`. All fit into one page of 1 MB.
    async fn partition(
        &self,
        pk: String,
        limit: Option<i32>,
        consistent: bool,
    ) -> Result<Vec<Item>, AwsError> {
        let query = self.client.query().table_name(&self.table);
        let query = query
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(pk))
            .set_limit(limit)
            .consistent_read(consistent);
        let output = query.send().await.map_err(|error| sdk_error(&error))?;
        Ok(output.items.unwrap_or_default())
    }
}

/// The keys of the two items of a watch: the one found by its connection, and the one found by what
/// it watches. If the end of the connection does not find the latter, the next push removes it.
fn watch_keys(connection: &str, watched: Watched) -> [Key; 2] {
    let watched = watched.key();
    [
        Key {
            pk: keys::connection(connection),
            sk: format!("{WATCH}{watched}"),
        },
        Key {
            pk: keys::watchers(&watched),
            sk: connection.to_owned(),
        },
    ]
}
