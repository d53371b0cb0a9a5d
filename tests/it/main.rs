//! The one integration binary: every further binary would link both engines again.

#[test]
fn placeholder_until_first_module() {
    assert_eq!(2 + 2, 4);
}
