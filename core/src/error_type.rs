//! The declaration of an error type: each variant has its message beside it.

/// Declares an error enum or struct, and implements `Display`, `Error` and `From` for it.
///
/// The attributes are those of `thiserror`, as far as they are needed here: `#[error("text of {field}")]`,
/// with arguments where a field alone is not enough; `#[error(transparent)]` for a variant that displays
/// its only field; `#[from]` for a variant that is converted from that field. The only field of a tuple
/// variant is `{0}` in its text. An enum whose errors have sources names the method that returns them:
/// `source = Self::method`.
///
/// No part of the public API: its form may change in any release.
#[doc(hidden)]
#[macro_export]
macro_rules! error_type {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {$(
            $(#[doc = $doc:expr])*
            $(#[cfg($($cfg:tt)+)])?
            #[error($($message:tt)+)]
            $variant:ident
            $({$( $(#[doc = $field_doc:expr])* $field:ident: $type:ty ),+ $(,)?})?
            $(($(#[$from:ident])? $inner:ty))?
        ),+ $(,)?}
        $(source = $source:expr)?
    ) => {
        $(#[$meta])*
        $vis enum $name {$(
            $(#[doc = $doc])*
            $(#[cfg($($cfg)+)])?
            $variant $({$( $(#[doc = $field_doc])* $field: $type ),+})? $(($inner))?
        ),+}

        impl ::core::fmt::Display for $name {
            #[allow(unused_variables, reason = "a message need not show every field")]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self {$(
                    $(#[cfg($($cfg)+)])?
                    $crate::error_type::error_type!(
                        @pattern $name $variant $({$($field),+})? $((inner $inner))?
                    ) => {
                        $crate::error_type::error_type!(@show f $((inner $inner))? $($message)+)
                    }
                )+}
            }
        }

        $crate::error_type::error_type!(@error $name $($source)?);
        $($($(
            $crate::error_type::error_type!(@$from $name $variant $inner);
        )?)?)+
    };

    (
        $(#[doc = $doc:expr])*
        #[error($($message:tt)+)]
        $(#[$meta:meta])*
        $vis:vis struct $name:ident;
    ) => {
        $(#[doc = $doc])*
        $(#[$meta])*
        $vis struct $name;

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::write!(f, $($message)+)
            }
        }

        $crate::error_type::error_type!(@error $name);
    };

    (
        $(#[doc = $doc:expr])*
        #[error($($message:tt)+)]
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {$(
            $(#[doc = $field_doc:expr])* $field_vis:vis $field:ident: $type:ty
        ),+ $(,)?}
    ) => {
        $(#[doc = $doc])*
        $(#[$meta])*
        $vis struct $name {$( $(#[doc = $field_doc])* $field_vis $field: $type ),+}

        impl ::core::fmt::Display for $name {
            #[allow(unused_variables, reason = "a message need not show every field")]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                let Self { $($field),+ } = self;
                ::core::write!(f, $($message)+)
            }
        }

        $crate::error_type::error_type!(@error $name);
    };

    (@pattern $name:ident $variant:ident) => { $name::$variant };
    (@pattern $name:ident $variant:ident {$($field:ident),+}) => {
        $name::$variant { $($field),+ }
    };
    (@pattern $name:ident $variant:ident ($field:ident $inner:ty)) => { $name::$variant($field) };

    (@show $f:ident ($field:ident $inner:ty) transparent) => {
        ::core::fmt::Display::fmt($field, $f)
    };
    (@show $f:ident ($field:ident $inner:ty) $($message:tt)+) => {
        ::core::write!($f, $($message)+, $field)
    };
    (@show $f:ident $($message:tt)+) => { ::core::write!($f, $($message)+) };

    (@error $name:ident) => {
        impl ::core::error::Error for $name {}
    };
    (@error $name:ident $source:expr) => {
        impl ::core::error::Error for $name {
            fn source(&self) -> Option<&(dyn ::core::error::Error + 'static)> {
                $source(self)
            }
        }
    };

    (@from $name:ident $variant:ident $inner:ty) => {
        impl From<$inner> for $name {
            fn from(error: $inner) -> Self {
                Self::$variant(error)
            }
        }
    };
}
#[doc(hidden)]
pub use error_type;

#[cfg(test)]
mod tests {
    extern crate std;

    use core::error::Error;
    use core::num::ParseIntError;
    use std::string::ToString;

    error_type! {
        /// Why there is no number.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(super) enum NumberError {
            /// No text.
            #[error("there is no text")]
            Empty,
            /// Too much text.
            #[error("{bytes} bytes are more than {}", max / 2)]
            TooLong {
                /// How much.
                bytes: usize,
                /// Twice the largest.
                max: usize,
            },
            /// A text of something else.
            #[error(transparent)]
            Parse(#[from] ParseIntError),
            /// A second text of something else.
            #[error("then: {0}")]
            Second(ParseIntError),
        }
        source = Self::second
    }

    impl NumberError {
        fn second(&self) -> Option<&(dyn Error + 'static)> {
            match self {
                Self::Second(error) => Some(error),
                _ => None,
            }
        }
    }

    error_type! {
        /// Nothing fits.
        #[error("{count} do not fit")]
        #[derive(Debug)]
        struct NoRoom {
            /// How many.
            count: u8,
        }
    }

    #[test]
    fn each_variant_has_its_message() {
        let parse = "x".parse::<u8>().unwrap_err();
        assert_eq!(NumberError::Empty.to_string(), "there is no text");
        let long = NumberError::TooLong { bytes: 9, max: 8 };
        assert_eq!(long.to_string(), "9 bytes are more than 4");
        assert_eq!(NumberError::from(parse.clone()), NumberError::Parse(parse.clone()));
        assert_eq!(NumberError::Parse(parse.clone()).to_string(), parse.to_string());
        assert_eq!(NumberError::Second(parse.clone()).to_string(), std::format!("then: {parse}"));
        assert_eq!(NoRoom { count: 3 }.to_string(), "3 do not fit");
    }

    #[test]
    fn a_source_is_what_the_named_method_returns() {
        let parse = "x".parse::<u8>().unwrap_err();
        assert!(NumberError::Parse(parse.clone()).source().is_none());
        assert!(NumberError::Second(parse).source().is_some());
        assert!(NoRoom { count: 3 }.source().is_none());
    }
}
