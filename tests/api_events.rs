//! The log over REST: by the page, and as it happens without a gap or a repeat.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use waybill::domain::{Event, Severity};

use crate::api::Client;
use crate::house::{House, PATIENCE, wait_for};

/// An open stream, read line by line.
struct Following {
    response: reqwest::Response,
    text: String,
}

impl Following {
    fn open(house: &House, client: &Client<'_>, path: &str, headers: &[(&str, &str)]) -> Self {
        let request = client.request(Method::GET, path, headers);
        let response = house.ask(async move |_| request.send().await.unwrap());
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    fn next(&mut self, house: &House) -> Option<(i64, String, Value)> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let (id, kind, data) = (field("id: "), field("event: "), field("data: "));
                self.text = rest.to_owned();
                if let (Some(id), Some(kind), Some(data)) = (id, kind, data) {
                    return Some((id.parse().unwrap(), kind, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let response = &mut self.response;
            let chunk = house.ask(async |_| tokio::time::timeout(PATIENCE, response.chunk()).await.expect("an event"));
            match chunk {
                Ok(Some(chunk)) => self.text.push_str(&String::from_utf8_lossy(&chunk)),
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

/// Written by this process: to the daemon, somebody else's.
fn tell(house: &House, numbers: std::ops::Range<i32>) {
    let events = numbers.map(|number| Event::new("feed.late", Severity::Warn, format!("event {number}"))).collect();
    house.ask(async |record| record.tell(events).await.unwrap());
}

#[test]
fn a_stream_has_every_event_once_and_goes_on_where_it_ended() {
    let house = House::open();
    let operator = Client::of(&house, None);
    tell(&house, 0..300);
    let mut stream = Following::open(&house, &operator, "/v1/events/stream?after=0&type=feed.late", &[]);
    let mut seen = vec![];
    for _ in 0..300 {
        seen.push(stream.next(&house).unwrap());
    }
    tell(&house, 300..310);
    for _ in 0..10 {
        seen.push(stream.next(&house).unwrap());
    }
    drop(stream);
    tell(&house, 310..320);
    let last = seen.last().unwrap().0.to_string();
    let mut stream =
        Following::open(&house, &operator, "/v1/events/stream?after=0&type=feed.late", &[("last-event-id", &last)]);
    tell(&house, 320..330);
    for _ in 0..20 {
        seen.push(stream.next(&house).unwrap());
    }
    for (number, (id, kind, data)) in seen.iter().enumerate() {
        assert_eq!(data["msg"], format!("event {number}"));
        assert_eq!((data["seq"].as_i64().unwrap(), kind.as_str()), (*id, "feed.late"));
    }
}

#[test]
fn a_stream_without_a_place_begins_now_and_ends_with_the_house() {
    let mut house = House::open();
    tell(&house, 0..5);
    let token = waybill::domain::Bearer::mint().unwrap();
    house.ask(async |record| record.add_token(None, "t", token.id(), &token.secret_sha256(), None).await.unwrap());
    let mut stream = {
        let operator = Client::with(&house, &token.text());
        Following::open(&house, &operator, "/v1/events/stream?sev=warn%2B", &[])
    };
    tell(&house, 5..6);
    assert_eq!(stream.next(&house).unwrap().2["msg"], "event 5");
    let status = house.stop();
    assert!(status.success());
    assert!(stream.next(&house).is_none(), "the stream outlived the house");
}

#[test]
fn only_so_many_streams_are_open_and_a_closed_one_gives_its_place_back() {
    let house = House::with(&[("WAYBILL_HTTP_STREAMS_MAX", "2")]);
    let operator = Client::of(&house, None);
    let first = Following::open(&house, &operator, "/v1/events/stream", &[]);
    let _second = Following::open(&house, &operator, "/v1/events/stream", &[]);
    let refused = operator.get("/v1/events/stream");
    refused.is_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "5");
    drop(first);
    wait_for("a place to be given back", || {
        let request = operator.request(Method::GET, "/v1/events/stream", &[]);
        (house.ask(async move |_| request.send().await.unwrap().status()) == 200).then_some(())
    });
}

#[test]
fn a_stream_that_is_silent_says_it_is_alive() {
    let house = House::open();
    let operator = Client::of(&house, None);
    let mut stream = Following::open(&house, &operator, "/v1/events/stream?type=nothing.happened", &[]);
    let patience = Duration::from_secs(25);
    let mut text = String::new();
    while text.matches("\n:").count() + usize::from(text.starts_with(':')) < 2 {
        let response = &mut stream.response;
        let chunk = house.ask(async |_| tokio::time::timeout(patience, response.chunk()).await.expect("a comment"));
        text.push_str(&String::from_utf8_lossy(&chunk.unwrap().expect("an open stream")));
    }
    assert!(text.contains(": still here"), "{text}");
}

#[test]
fn the_log_is_paged_both_ways_and_filtered() {
    let house = House::open();
    let operator = Client::of(&house, None);
    let supplier = house.supplier("northwind");
    tell(&house, 0..5);
    let numbers = |path: &str| -> Vec<String> {
        let events = operator.get(path).data();
        events.iter().map(|event| event["msg"].as_str().unwrap().replace("event ", "")).collect()
    };
    assert_eq!(numbers("/v1/events?type=feed.late&limit=3"), ["4", "3", "2"]);
    let page = operator.get("/v1/events?type=feed.late&limit=3").ok();
    let before = page["next_cursor"].as_str().unwrap();
    assert_eq!(numbers(&format!("/v1/events?type=feed.late&before={before}")), ["1", "0"]);
    let page = operator.get("/v1/events?type=feed.late&limit=2&after=0").ok();
    assert_eq!(page["has_more"], true);
    let after = page["next_cursor"].as_str().unwrap();
    assert_eq!(numbers(&format!("/v1/events?type=feed.late&after={after}")), ["2", "3", "4"]);
    let count = |filter: &str| operator.get(&format!("/v1/events?{filter}")).data().len();
    assert_eq!((count("sev=warn%2B"), count("sev=warn"), count("sev=error,debug"), count("q=event%203")), (5, 5, 0, 1));
    assert_eq!((count("type=-feed.late,-admin.action"), count("type=feed.late,-feed.late")), (0, 0));
    assert_eq!((count("org=northwind") > 0, count(&format!("org={supplier}&type=feed.late"))), (true, 0));
    assert_eq!(
        (count("since=2200-01-01"), count("until=2000-01-01"), count("user=nobody"), count("code=x")),
        (0, 0, 0, 0)
    );
}
