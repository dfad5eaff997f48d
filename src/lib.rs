//! birl
