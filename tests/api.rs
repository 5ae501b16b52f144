//! A client of the REST API, for the tests that promise something about it.

use std::fmt;

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use waybill::domain::{Bearer, OrganisationId};

use crate::house::House;

/// Somebody with a token (or without).
pub(crate) struct Client<'a> {
    house: &'a House,
    token: Option<String>,
}

/// A client that keeps its connection, for thousands of requests.
pub(crate) struct Lasting {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Lasting {
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }
}

/// What came back, whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl<'a> Client<'a> {
    /// With a token of this organisation; `None` is an operator's.
    pub(crate) fn of(house: &'a House, organisation: Option<OrganisationId>) -> Self {
        let bearer = Bearer::mint().unwrap();
        house.ask(async |record| {
            record.add_token(organisation, "tests", bearer.id(), &bearer.secret_sha256(), None).await.unwrap();
        });
        Self::with(house, &bearer.text())
    }

    pub(crate) fn with(house: &'a House, token: &str) -> Self {
        Self { house, token: Some(token.to_owned()) }
    }

    pub(crate) fn nobody(house: &'a House) -> Self {
        Self { house, token: None }
    }

    pub(crate) fn lasting(&self) -> Lasting {
        Lasting { client: reqwest::Client::new(), base: self.house.http(), token: self.token.clone().unwrap() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], vec![])
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.call(Method::GET, path, headers, vec![])
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        self.call(Method::POST, path, headers, body.into())
    }

    pub(crate) fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.post(path, &[("content-type", "application/json")], body.to_string())
    }

    pub(crate) fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.call(method, path, &[("content-type", "application/json")], body.to_string().into())
    }

    pub(crate) fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let request = self.request(method, path, headers).body(body);
        self.house.ask(async move |_| {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status(), response.headers().clone());
            Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
        })
    }

    pub(crate) fn request(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.house.http()));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Insists on a success; its JSON.
    pub(crate) fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.json()
    }

    /// The `data` of a list.
    pub(crate) fn data(&self) -> Vec<Value> {
        self.ok()["data"].as_array().unwrap_or_else(|| panic!("not a list: {self:?}")).clone()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Insists on a problem of this status and code, complete as RFC 9457 and our conventions want it.
    pub(crate) fn is_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{self:?}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:waybill:problem:{code}"));
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        for member in ["title", "detail", "instance"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {self:?}");
        }
        problem
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {:?}\n{}", self.status, self.headers, String::from_utf8_lossy(&self.body))
    }
}
