//! How a stream is closed by us.

use super::codec::ProtocolError;

/// Why a connection is closed by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// 1000: the client said goodbye.
    Normal,
    /// 1001: the process stops; resume at once.
    GoingAway,
    /// 1002: broke RFC 6455.
    Protocol(ProtocolError),
    /// 1013: not reading; resume later.
    NotReading,
    /// 4400.
    BadFrame,
    /// 4401.
    Unauthorized(&'static str),
    /// 4403.
    Forbidden(&'static str),
    /// 4429.
    TooMany(&'static str),
}

impl Close {
    /// The code that travels.
    pub(super) const fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::Protocol(ProtocolError::Utf8) => 1007,
            Self::Protocol(_) => 1002,
            Self::NotReading => 1013,
            Self::BadFrame => 4400,
            Self::Unauthorized(_) => 4401,
            Self::Forbidden(_) => 4403,
            Self::TooMany(_) => 4429,
        }
    }

    /// The words beside it.
    pub(super) fn reason(self) -> String {
        match self {
            Self::Normal => String::new(),
            Self::GoingAway => "the server stops; connect again".to_owned(),
            Self::Protocol(error) => error.to_string(),
            Self::NotReading => "not reading for 30 s".to_owned(),
            Self::BadFrame => "bad frame".to_owned(),
            Self::Unauthorized(why) | Self::Forbidden(why) | Self::TooMany(why) => why.to_owned(),
        }
    }
}
