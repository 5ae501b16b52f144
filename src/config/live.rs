//! Settings that may change while the house stands.

use std::sync::{Arc, PoisonError, RwLock};

/// A value that is read by many and replaced as a whole. Clones are the same value.
#[derive(Debug, Default)]
pub struct Live<T>(Arc<RwLock<Arc<T>>>);

impl<T> Live<T> {
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }

    /// As it is now; whoever keeps it keeps this one.
    #[must_use]
    pub fn now(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn set(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_see_the_change_and_what_was_taken_stays() {
        let live = Live::new(1);
        let (clone, taken) = (live.clone(), live.now());
        live.set(2);
        assert_eq!((*taken, *clone.now()), (1, 2));
    }
}
