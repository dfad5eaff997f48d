//! Repetitions left out.

use birl_stream::prelude::*;
use birl_stream::testing::check_fused;
use proptest::prelude::*;
use tokio::task::unconstrained;
use tokio::time::timeout;

use crate::probe::current_thread;
use crate::timed::{ms, rushing};

proptest! {
    #[test]
    fn of_neighbours_with_equal_keys_the_first_stays(items in prop::collection::vec(0_u8..12, 0..40)) {
        let mut model = items.clone();
        model.dedup_by_key(|item| *item / 3);
        let kept = birl_stream::iter(items.clone()).dedup_by_key(|item| item / 3);
        prop_assert_eq!(current_thread().block_on(check_fused(kept)), model);

        let mut model = items.clone();
        model.dedup();
        let kept = birl_stream::iter(items).dedup();
        prop_assert_eq!(current_thread().block_on(check_fused(kept)), model);
    }
}

#[tokio::test(start_paused = true)]
async fn repetitions_without_end_let_others_run() {
    let mut items = Box::pin(rushing().dedup());
    assert_eq!(items.next().await, Some(()));
    assert!(timeout(ms(10), items.next()).await.is_err());
    assert!(timeout(ms(10), unconstrained(items.next())).await.is_err());
}
