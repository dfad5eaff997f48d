//! How SQL is written in queries.

use datafusion::sql::sqlparser::dialect::{Dialect, Precedence};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

/// SQL as DataFusion plans it, with names as logs have them: `@timestamp` is one, `user` is a column,
/// and what is in double quotes or backquotes is a name, never text.
/// `request->'id'` is a field of an object, and no function without a name.
///
/// What it leaves out would be read here and refused later (`with fill`, `limit by`), or hide a pipe
/// from the grammar of queries, which knows no nested comments, `E'…'` and `$$…$$`.
#[derive(Debug)]
pub(crate) struct QueryDialect;

/// An answer for each question to which it is yes.
macro_rules! yes {
    ($($question:ident)*) => {
        $(fn $question(&self) -> bool {
            true
        })*
    };
}

impl Dialect for QueryDialect {
    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_' || c == '@'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_alphanumeric() || "_@$".contains(c)
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '"' || c == '`'
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        match parser.peek_token_ref().token {
            // `request->>'status' = 500` compares the field.
            Token::Arrow | Token::LongArrow => Some(Ok(self.prec_value(Precedence::DoubleColon))),
            _ => None,
        }
    }

    yes! {
        supports_pipe_operator
        supports_bang_not_operator
        supports_from_first_select
        supports_group_by_expr
        supports_order_by_all
        supports_limit_comma
        supports_parens_around_table_factor
        supports_values_as_table_factor
        supports_select_wildcard_except
        supports_select_wildcard_exclude
        supports_select_wildcard_replace
        supports_select_wildcard_ilike
        supports_filter_during_aggregation
        supports_window_clause_named_window_reference
        supports_window_function_null_treatment_arg
        supports_named_fn_args_with_assignment_operator
        supports_dictionary_syntax
        support_map_literal_syntax
        supports_struct_literal
        supports_array_typedef_with_brackets
        supports_bitwise_shift_operators
        supports_interval_options
        allow_extract_custom
        allow_extract_single_quotes
        supports_extract_comma_syntax
    }
}
