//! The ways in which a request can go wrong, and what each looks like on the wire.

use http::{Method, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::json;

/// An answer with its whole body.
pub(crate) type Answer = Response<Full<Bytes>>;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The API server goes away with the request unread, and for a while nobody listens.
    Refused,
    /// The connection is reset before the server acted.
    ResetBefore,
    /// The connection is reset after the server acted.
    ResetAfter,
    /// 409, as if somebody else had changed the object.
    Conflict,
    /// 409, as if somebody else had made the object.
    Exists,
    /// 429 with `Retry-After`.
    TooMany,
    /// 500.
    Internal,
    /// 503.
    Unavailable,
    /// 504, but the server acted.
    GatewayTimeout,
    /// No answer, and the server did not act.
    SilentBefore,
    /// No answer, but the server acted.
    SilentAfter,
    /// Half of the answer.
    Truncated,
    /// 200 with a page in the place of the object.
    Page,
    /// Bytes that are no HTTP.
    Noise,
    /// The process is killed before the server acted.
    KilledBefore,
    /// The process is killed after the server acted.
    KilledAfter,
}

/// What the proxy does about a request that goes wrong.
pub(crate) enum Way {
    /// It gives this answer.
    Answer(Answer),
    /// It closes the connection with a reset.
    Reset,
    /// It resets the connection, and listens to no other for a while.
    Outage,
    /// It writes these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// It never answers.
    Silence,
    /// It has the process killed.
    Kill,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: [Self; 16] = [
        Self::Refused,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Conflict,
        Self::Exists,
        Self::TooMany,
        Self::Internal,
        Self::Unavailable,
        Self::GatewayTimeout,
        Self::SilentBefore,
        Self::SilentAfter,
        Self::Truncated,
        Self::Page,
        Self::Noise,
        Self::KilledBefore,
        Self::KilledAfter,
    ];

    /// Whether a request of this method can meet it.
    pub(crate) fn can_meet(self, method: &Method) -> bool {
        self != Self::Exists || method == Method::POST
    }

    /// Whether the answer contradicts what is there, so that trying again may not help.
    pub(crate) fn is_untrue(self) -> bool {
        matches!(self, Self::Conflict | Self::Exists)
    }

    /// Whether the job finds out only when its patience ends.
    pub(crate) fn is_silent(self) -> bool {
        matches!(self, Self::SilentBefore | Self::SilentAfter)
    }

    /// Whether the process is killed.
    pub(crate) fn kills(self) -> bool {
        matches!(self, Self::KilledBefore | Self::KilledAfter)
    }

    /// Whether the server does what it is asked.
    pub(crate) fn acts(self) -> bool {
        matches!(self, Self::ResetAfter | Self::GatewayTimeout | Self::SilentAfter | Self::Truncated | Self::Page | Self::Noise | Self::KilledAfter)
    }

    /// What becomes of a request that the server answered so, if it was asked.
    pub(crate) fn way(self, status: StatusCode, body: &Bytes) -> Way {
        match self {
            Self::Refused => Way::Outage,
            Self::ResetBefore | Self::ResetAfter => Way::Reset,
            Self::Conflict => Way::Answer(failure(409, "Conflict")),
            Self::Exists => Way::Answer(failure(409, "AlreadyExists")),
            Self::TooMany => Way::Answer(failure(429, "TooManyRequests")),
            Self::Internal => Way::Answer(failure(500, "InternalError")),
            Self::Unavailable => Way::Answer(failure(503, "ServiceUnavailable")),
            Self::GatewayTimeout => Way::Answer(failure(504, "Timeout")),
            Self::SilentBefore | Self::SilentAfter => Way::Silence,
            Self::Truncated => Way::Bytes(half(status, body)),
            Self::Page => Way::Answer(Response::new(Full::from("<html><body>It works!</body></html>"))),
            Self::Noise => Way::Bytes(b"\x16\x03\x01\x00\x02 220 ready\r\n\r\n".to_vec()),
            Self::KilledBefore | Self::KilledAfter => Way::Kill,
        }
    }
}

/// An error, as the API server words it.
fn failure(code: u16, reason: &str) -> Answer {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": "a fault of the test", "code": code});
    let answer = Response::builder().status(code).header(header::CONTENT_TYPE, "application/json");
    let answer = if code == 429 { answer.header(header::RETRY_AFTER, 1) } else { answer };
    answer.body(Full::from(status.to_string())).unwrap()
}

fn half(status: StatusCode, body: &Bytes) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), &body[..body.len() / 2]].concat()
}
