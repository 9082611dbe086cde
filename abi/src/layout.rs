//! The one macro that lays out a list of words.

/// A public module with one `usize` constant per word, counted from 0, with `LENGTH` and `NAMES`.
macro_rules! words {
    ($(#[$doc:meta])* $module:ident { $($field:ident),+ $(,)? }) => {
        $(#[$doc])*
        pub mod $module {
            /// The words in order.
            pub const NAMES: [&str; LENGTH] = [$(stringify!($field)),+];
            $crate::layout::words!(@number 0; $($field),+);
        }
    };
    (@number $index:expr; $field:ident $(, $rest:ident)*) => {
        #[doc = concat!("Index of `", stringify!($field), "`.")]
        pub const $field: usize = $index;
        $crate::layout::words!(@number $index + 1; $($rest),*);
    };
    (@number $index:expr;) => {
        /// The number of words.
        pub const LENGTH: usize = $index;
    };
}
pub(crate) use words;
