//! LISTEN and NOTIFY: who listens on which channel, and what waits for them. What a transaction sends or asks
//! for holds from its commit on.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::base::Result;
use crate::engine::facts::{NOTIFICATIONS_MAX, Notification, too_many_notifications};

/// The channels of this process.
#[derive(Debug, Default)]
pub struct Channels(Mutex<HashMap<String, Vec<Arc<Inbox>>>>);

/// What waits for one session.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: Mutex<VecDeque<Notification>>,
    arrived: Notify,
}

/// One session's part in them.
#[derive(Debug, Default)]
pub struct Listening {
    inbox: Arc<Inbox>,
    channels: BTreeSet<String>,
    /// What the transaction has asked for so far.
    pending: Vec<Action>,
}

/// What LISTEN, UNLISTEN and NOTIFY ask for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    Listen(String),
    Unlisten(String),
    UnlistenAll,
    Notify(Notification),
}

impl Channels {
    fn listen(&self, channel: &str, inbox: &Arc<Inbox>) {
        held(&self.0).entry(channel.to_owned()).or_default().push(Arc::clone(inbox));
    }

    fn unlisten(&self, channel: &str, inbox: &Arc<Inbox>) {
        let mut channels = held(&self.0);
        if let Some(inboxes) = channels.get_mut(channel) {
            inboxes.retain(|other| !Arc::ptr_eq(other, inbox));
            if inboxes.is_empty() {
                channels.remove(channel);
            }
        }
    }

    fn send(&self, notification: &Notification) {
        for inbox in held(&self.0).get(&notification.channel).into_iter().flatten() {
            held(&inbox.waiting).push_back(notification.clone());
            inbox.arrived.notify_one();
        }
    }

    /// Whether those who listen on a channel can be sent as many more.
    fn has_room(&self, channel: &str, more: usize) -> bool {
        let channels = held(&self.0);
        let mut inboxes = channels.get(channel).into_iter().flatten();
        inboxes.all(|inbox| held(&inbox.waiting).len() + more <= NOTIFICATIONS_MAX)
    }
}

impl Listening {
    /// To be done at COMMIT. Errors: 54000 when a transaction asks for too much.
    pub fn add(&mut self, action: Action) -> Result<()> {
        if self.pending.len() >= NOTIFICATIONS_MAX {
            return Err(too_many_notifications());
        }
        self.pending.push(action);
        Ok(())
    }

    /// How much the transaction has asked for so far: a point to go back to.
    pub fn mark(&self) -> usize {
        self.pending.len()
    }

    /// Forgets what was asked for since a mark; all of it with 0.
    pub fn rewind(&mut self, mark: usize) {
        self.pending.truncate(mark);
    }

    /// Errors: 54000 while a session that listens has too much to read already.
    pub fn check_room(&self, channels: &Channels) -> Result<()> {
        let mut sent: HashMap<&str, usize> = HashMap::new();
        for action in &self.pending {
            match action {
                Action::Notify(notification) => {
                    *sent.entry(&notification.channel).or_default() += 1
                }
                Action::Listen(_) | Action::Unlisten(_) | Action::UnlistenAll => {}
            }
        }
        if sent.into_iter().all(|(channel, more)| channels.has_room(channel, more)) {
            return Ok(());
        }
        Err(too_many_notifications()
            .with_detail("A session that listens on the channel does not read them."))
    }

    /// Does what the transaction has asked for. A transaction hears what it sends itself, and what it sends
    /// twice is sent once.
    pub fn commit(&mut self, channels: &Channels) {
        let actions = std::mem::take(&mut self.pending);
        let (sent, asked): (Vec<_>, Vec<_>) =
            actions.into_iter().partition(|action| matches!(action, Action::Notify(_)));
        let mut known = HashSet::new();
        let sent = sent.into_iter().filter(|action| known.insert(action.clone()));
        for action in asked.into_iter().chain(sent) {
            match action {
                Action::Listen(channel) => {
                    if self.channels.insert(channel.clone()) {
                        channels.listen(&channel, &self.inbox);
                    }
                }
                Action::Unlisten(channel) => {
                    if self.channels.remove(&channel) {
                        channels.unlisten(&channel, &self.inbox);
                    }
                }
                Action::UnlistenAll => self.leave(channels),
                Action::Notify(notification) => channels.send(&notification),
            }
        }
    }

    /// Listens on no channel any more.
    pub fn leave(&mut self, channels: &Channels) {
        for channel in std::mem::take(&mut self.channels) {
            channels.unlisten(&channel, &self.inbox);
        }
    }

    /// `pg_listening_channels()`
    pub fn channels(&self) -> Arc<[String]> {
        self.channels.iter().cloned().collect()
    }

    /// What has arrived.
    pub fn take(&self) -> Vec<Notification> {
        held(&self.inbox.waiting).drain(..).collect()
    }

    /// Waits until something has arrived.
    pub async fn arrived(&self) {
        loop {
            let arrived = self.inbox.arrived.notified();
            if !held(&self.inbox.waiting).is_empty() {
                return;
            }
            arrived.await;
        }
    }
}

/// No lock here is held over a call that could panic, so a poisoned one is as good as any.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
