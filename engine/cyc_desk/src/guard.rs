//! Who may ask: a browser only from the desk's own page, and nobody under a foreign name.
//!
//! A foreign page open in the operator's browser reaches loopback too. It gives itself away by its `Origin`
//! (RFC 6454), or, after rebinding its own name to 127.0.0.1, by the name in `Host`.

use crate::problem::Problem;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Middleware: lets a request through or answers with a problem.
pub async fn guard(request: Request, next: Next) -> Response {
    match check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Whether a request with these headers may be answered on loopback.
pub fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let host = match headers.get(header::HOST) {
        Some(host) => Some(host.to_str().ok().filter(|host| is_loopback(host)).ok_or_else(foreign_host)?),
        None => None,
    };
    let origins = headers.get_all(header::ORIGIN);
    let own = host.map(|host| format!("http://{host}"));
    let mine = |origin: &axum::http::HeaderValue| {
        own.as_ref().is_some_and(|own| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes()))
    };
    if origins.iter().all(mine) { Ok(()) } else { Err(foreign_origin()) }
}

/// Whether `host` (with or without a port) names this machine as only this machine can.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn foreign_host() -> Problem {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "foreign-host",
        "The desk does not go by this name",
        "Open the desk as http://127.0.0.1 or http://localhost with its port.",
    )
}

fn foreign_origin() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "foreign-origin",
        "Another page may not use the desk",
        "The request carries an Origin that is not the desk's own. Programs send no Origin header.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(headers: &[(header::HeaderName, &str)]) -> Option<u16> {
        let map = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        check(&map).err().map(|problem| problem.status.as_u16())
    }

    #[test]
    fn loopback_names_pass_and_others_do_not() {
        for host in ["127.0.0.1:7300", "localhost:7300", "LOCALHOST", "[::1]:7300", "127.3.2.1"] {
            assert_eq!(verdict(&[(header::HOST, host)]), None, "{host}");
        }
        for host in ["desk.example:7300", "10.0.0.5:7300", "localhost.example", "127.0.0.1.example:7300", "", "[::2]"] {
            assert_eq!(verdict(&[(header::HOST, host)]), Some(421), "{host:?}");
        }
        assert_eq!(verdict(&[]), None, "HTTP/1.0 has no Host");
    }

    #[test]
    fn only_the_own_origin_passes() {
        let with = |origin| verdict(&[(header::HOST, "127.0.0.1:7300"), (header::ORIGIN, origin)]);
        assert_eq!(with("http://127.0.0.1:7300"), None);
        for origin in [
            "http://127.0.0.1:3000",
            "https://127.0.0.1:7300",
            "http://localhost:7300",
            "null",
            "https://example.com",
            "",
        ] {
            assert_eq!(with(origin), Some(403), "{origin:?}");
        }
        assert_eq!(verdict(&[(header::ORIGIN, "http://127.0.0.1:7300")]), Some(403), "no Host to compare with");
    }
}
