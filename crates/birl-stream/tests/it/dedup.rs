//! Repetitions left out.

use birl_stream::prelude::*;
use birl_stream::testing::check_fused;
use proptest::prelude::*;

use crate::probe::current_thread;

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
