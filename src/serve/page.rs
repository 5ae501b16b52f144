//! The front page, for whoever opens the address in a browser: what this is, how to send a file, where the
//! rest is. One page and its style sheet from `web/`, no script, nothing from anywhere else.

use std::net::SocketAddr;

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap};
use axum::response::IntoResponse;

use super::Shared;

const PAGE: &str = include_str!("../../web/index.html");
const STYLE: &str = include_str!("../../web/style.css");
const ONLY_ITS_STYLE: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /`
pub(super) async fn index(State(desk): State<Shared>, headers: HeaderMap) -> impl IntoResponse {
    let asked = headers.get(HOST).and_then(|value| value.to_str().ok()).filter(|host| is_host(host));
    let url = format!("http://{}", asked.unwrap_or("127.0.0.1:8080"));
    let page = PAGE
        .replace("{{send}}", &desk.sftp.map_or_else(String::new, |address| send(address, asked)))
        .replace("{{url}}", &url)
        .replace("{{version}}", env!("CARGO_PKG_VERSION"));
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, ONLY_ITS_STYLE)], page)
}

/// `GET /style.css`
pub(super) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

/// How to send a file through the SFTP door. A door on every address is reached by the name in the browser.
fn send(door: SocketAddr, asked: Option<&str>) -> String {
    let host = if door.ip().is_unspecified() {
        let name =
            asked.map(|host| host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name));
        name.unwrap_or("this-host").trim_matches(['[', ']']).to_owned()
    } else {
        door.ip().to_string()
    };
    let port = door.port();
    format!(
        "<h2>Send a file</h2>\n<p>With any SFTP client, and the login your operator gave you:</p>\n\
         <pre><code>sftp -P {port} LOGIN@{host}\nsftp&gt; put invoices.edi\nsftp&gt; ls</code></pre>"
    )
}

/// A `Host` that may stand in a page as it is: a name or address, and a port.
fn is_host(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_to_send_with_names_a_host_that_can_be_reached() {
        let door = |text: &str| text.parse::<SocketAddr>().unwrap();
        for (address, asked, line) in [
            ("127.0.0.1:2222", Some("gate.example.com"), "sftp -P 2222 LOGIN@127.0.0.1\n"),
            ("0.0.0.0:22", Some("gate.example.com:8080"), "sftp -P 22 LOGIN@gate.example.com\n"),
            ("0.0.0.0:22", Some("gate.example.com"), "sftp -P 22 LOGIN@gate.example.com\n"),
            ("[::]:22", Some("[2001:db8::1]:8080"), "sftp -P 22 LOGIN@2001:db8::1\n"),
            ("[::]:22", Some("[2001:db8::1]"), "sftp -P 22 LOGIN@2001:db8::1\n"),
            ("0.0.0.0:22", None, "sftp -P 22 LOGIN@this-host\n"),
        ] {
            assert!(send(door(address), asked).contains(line), "{address} {asked:?}: {}", send(door(address), asked));
        }
    }
}
