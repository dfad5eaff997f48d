//! What windows or sessions of a stream are open, and how items are folded into them.

use std::hash::Hash;

use crate::window::{OpenSessions, OpenWindows, Placed, Window};

pub(super) enum Open<K, V> {
    Windows(OpenWindows<K, V>),
    Sessions(OpenSessions<K, V>, Merge<V>),
}

type Merge<V> = Box<dyn FnMut(&mut V, V) + Send>;

/// How a value begins, and what an item adds to it.
pub(super) struct Fold<T, V> {
    init: Init<V>,
    add: Add<T, V>,
}

type Init<V> = Box<dyn FnMut() -> V + Send>;
type Add<T, V> = Box<dyn FnMut(&mut V, &T) + Send>;

impl<V> Open<(), V> {
    /// The same, none of them open, but with keys.
    pub(super) fn of_keys<K: Hash + Eq + Clone>(self) -> Open<K, V> {
        match self {
            Self::Windows(open) => Open::Windows(OpenWindows::new(open.windows())),
            Self::Sessions(open, merge) => Open::Sessions(OpenSessions::new(open.gap()), merge),
        }
    }
}

impl<K: Hash + Eq + Clone, V> Open<K, V> {
    pub(super) fn add<T>(&mut self, key: K, time: i64, item: &T, fold: &mut Fold<T, V>) -> Placed {
        let Fold { init, add } = fold;
        let add = |value: &mut V| add(value, item);
        match self {
            Self::Windows(open) => open.add(key, time, init, add),
            Self::Sessions(open, merge) => open.add(key, time, init, add, merge),
        }
    }

    pub(super) fn advance(&mut self, watermark: i64) {
        match self {
            Self::Windows(open) => open.advance(watermark),
            Self::Sessions(open, _) => open.advance(watermark),
        }
    }

    pub(super) fn finish(&mut self) {
        match self {
            Self::Windows(open) => open.finish(),
            Self::Sessions(open, _) => open.finish(),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Window<K, V>> {
        match self {
            Self::Windows(open) => open.pop(),
            Self::Sessions(open, _) => open.pop(),
        }
    }

    pub(super) fn next_end(&self) -> Option<i64> {
        match self {
            Self::Windows(open) => open.next_end(),
            Self::Sessions(open, _) => open.next_end(),
        }
    }

    pub(super) fn open(&self) -> usize {
        match self {
            Self::Windows(open) => open.open(),
            Self::Sessions(open, _) => open.open(),
        }
    }

    pub(super) fn closed(&self) -> usize {
        match self {
            Self::Windows(open) => open.closed(),
            Self::Sessions(open, _) => open.closed(),
        }
    }

    /// How many windows an item is in, at most.
    pub(super) fn overlap(&self) -> usize {
        match self {
            Self::Windows(open) => open.windows().overlap(),
            Self::Sessions(..) => 1,
        }
    }
}

impl<T, V> Fold<T, V> {
    pub(super) fn new(
        init: impl FnMut() -> V + Send + 'static,
        add: impl FnMut(&mut V, &T) + Send + 'static,
    ) -> Self {
        Self {
            init: Box::new(init),
            add: Box::new(add),
        }
    }
}
