//! How Mattermost writes what is said.

use jiff::Timestamp;
use serde_json::Value;

use crate::message::{Kind, Message};

/// A post that somebody has made.
#[derive(Debug)]
pub(super) struct Said<'p> {
    pub(super) user: &'p str,
    pub(super) channel: &'p str,
    /// In milliseconds since 1970.
    pub(super) create_ms: i64,
    id: &'p str,
    text: &'p str,
    root: Option<&'p str>,
    kind: Kind,
    is_bot: bool,
}

impl<'p> Said<'p> {
    /// What a post says; `None` if it is one of the server, or was deleted.
    pub(super) fn of(post: &'p Value) -> Option<Self> {
        let text = |name: &str| post[name].as_str().filter(|text| !text.is_empty());
        let kind = match post["type"].as_str() {
            None | Some("") => Kind::Said,
            Some("me") => Kind::Done,
            Some(kind) if kind.starts_with("slack_attachment") => Kind::Said,
            Some(_) => return None,
        };
        if post["delete_at"].as_i64().is_some_and(|at| at > 0) {
            return None;
        }
        let is_true = |name: &str| {
            let value = &post["props"][name];
            value == "true" || value == true
        };
        Some(Self {
            user: text("user_id")?,
            channel: text("channel_id")?,
            create_ms: post["create_at"].as_i64()?,
            id: text("id")?,
            text: text("message").unwrap_or_default(),
            root: text("root_id"),
            kind,
            is_bot: ["from_bot", "from_webhook", "from_plugin", "from_oauth_app"]
                .iter()
                .any(|name| is_true(name)),
        })
    }

    pub(super) fn fill(&self, message: &mut Message) {
        let text = match self.kind {
            // What somebody does is written so.
            Kind::Done => self.text.trim_matches('*'),
            _ => self.text,
        };
        message.text = text.to_owned();
        message.kind = self.kind;
        message.is_bot = self.is_bot;
        message.id = Some(self.id.to_owned());
        message.thread = self.root.map(str::to_owned);
        message.time = Timestamp::from_millisecond(self.create_ms).ok();
    }
}

/// The id of the room of what a message came as: of an event, which tells to whom it is sent, or a post by itself.
pub(super) fn channel(came_as: &Value) -> Option<&str> {
    let of_event = &came_as["broadcast"]["channel_id"];
    let ids = [of_event, &came_as["channel_id"]];
    let mut ids = ids.into_iter().filter_map(Value::as_str);
    ids.find(|id| !id.is_empty())
}

/// The posts of a list, the oldest first.
pub(super) fn in_order(mut list: Value) -> Vec<Value> {
    let Value::Object(posts) = list["posts"].take() else {
        return Vec::new();
    };
    let mut posts: Vec<Value> = posts.into_iter().map(|(_, post)| post).collect();
    posts.sort_by_key(|post| post["create_at"].as_i64());
    posts
}
