//! The softphone's server side: a browser is a phone with credentials that last an hour.
//!
//! Nothing of it needs the database. `book` (pure) says which softphones there are; `registry` keeps it in a file beside the
//! spool, so that a gateway that was killed knows them again; call control adds them to its directory, and they are pushed
//! to Asterisk, ring and are counted like desk phones. `proxy` carries their SIP to Asterisk on the gateway's own port.

mod book;
mod http;
mod ice;
mod metrics;
mod proxy;
mod registry;

pub use self::http::{router, socket_router};
pub use self::ice::IceServers;
pub use self::metrics::SoftphoneMetrics;
pub use self::proxy::Sockets;
pub(crate) use self::registry::{Softphones, end_with_sessions, seal_with_newest};
