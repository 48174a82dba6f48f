//! Chromium without a window, driven by chromedriver over its remote control protocol.
//!
//! Source: <https://www.w3.org/TR/webdriver2/>.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::thread;
use std::time::Duration;

use express_session_testbed::{Process, free_port};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::Client;

/// The key of an element's reference, fixed by the standard.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with an empty profile; ended with its guard.
#[derive(Debug)]
pub struct Browser {
    driver: Client,
    session: String,
    process: Process,
    folder: TempDir,
}

impl Browser {
    /// Starts chromedriver and one browser window.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port().unwrap();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}"));
        let mut process = Process::spawn(command, folder.path().join("chromedriver.log")).unwrap();
        process.wait_for_port(port).unwrap();
        let driver = Client::new(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let mut browser = Self { driver, session: String::new(), process, folder };
        browser.open();
        browser
    }

    /// Closes the browser and opens it again with the same profile; cookies of the browser session are gone.
    pub fn reopen(&mut self) {
        self.close();
        self.open();
    }

    /// Opens a page and waits until it is loaded.
    pub fn go(&mut self, url: &str) {
        self.call("/url", &json!({ "url": url }));
    }

    /// Loads the page anew.
    pub fn reload(&mut self) {
        self.call("/refresh", &json!({}));
    }

    /// The back button.
    pub fn back(&mut self) {
        self.call("/back", &json!({}));
    }

    /// The address of the page.
    pub fn url(&mut self) -> String {
        text(&self.query("/url"))
    }

    /// The title of the page.
    pub fn title(&mut self) -> String {
        text(&self.query("/title"))
    }

    /// The text that a visitor sees.
    pub fn visible_text(&mut self) -> String {
        text(&self.script("return document.body.innerText"))
    }

    /// Types into the field that this CSS selector finds.
    pub fn type_into(&mut self, selector: &str, keys: &str) {
        let element = self.find(selector);
        self.call(&format!("/element/{element}/value"), &json!({ "text": keys }));
    }

    /// Clicks on what this CSS selector finds, and waits for the page that this opens.
    pub fn click(&mut self, selector: &str) {
        let element = self.find(selector);
        // The answer may take longer than the driver waits for one to begin.
        self.script("window.beforeClick = true");
        self.call(&format!("/element/{element}/click"), &json!({}));
        self.wait_until("window.beforeClick === undefined");
    }

    /// Opens another window with the same profile and looks at it from now on.
    pub fn new_window(&mut self) {
        let window = self.call("/window/new", &json!({ "type": "tab" }));
        self.call("/window", &json!({ "handle": window["handle"] }));
    }

    /// Runs JavaScript in the page; its `return` value.
    pub fn script(&mut self, script: &str) -> Value {
        self.call("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until this JavaScript expression is true; a page that reloads itself takes a moment.
    pub fn wait_until(&mut self, expression: &str) {
        let script = format!("return document.readyState === 'complete' && ({expression})");
        for _ in 0..6000 {
            if self.script(&script) == true {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("after a minute still not: {expression}\n{}", self.visible_text());
    }

    fn find(&mut self, selector: &str) -> String {
        let found = self.call("/element", &json!({ "using": "css selector", "value": selector }));
        text(&found[ELEMENT])
    }

    fn open(&mut self) {
        let profile = self.folder.path().join("profile");
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
        }}});
        let session = self.request("POST", "/session", Some(&capabilities));
        self.session = format!("/session/{}", text(&session["sessionId"]));
    }

    fn close(&mut self) {
        self.request("DELETE", &self.session.clone(), None);
        self.session.clear();
    }

    fn query(&mut self, command: &str) -> Value {
        self.request("GET", &format!("{}{command}", self.session), None)
    }

    fn call(&mut self, command: &str, arguments: &Value) -> Value {
        self.request("POST", &format!("{}{command}", self.session), Some(arguments))
    }

    fn request(&mut self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let body = body.map(Value::to_string);
        let response =
            self.driver.send(method, path, body.as_ref().map(|body| ("application/json", body.as_bytes())));
        let mut answer = response.json();
        assert_eq!(response.status, 200, "{method} {path}: {answer}\n{}", self.process.log());
        answer["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // After a panic the connection may be in any state: ask on a new one, and never panic here.
        let _ = self.driver.another_tab().try_send("DELETE", &self.session, None);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not text: {value}")).to_owned()
}
