//! What providers tell becomes rows and events: against a real PostgreSQL.

mod accounts;
mod auto_replies;
mod conversations;
mod fixtures;
mod hostile;
mod messages;
mod orders;
mod races;
mod statuses;
mod support;
