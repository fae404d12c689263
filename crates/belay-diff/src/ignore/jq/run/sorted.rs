//! Lists by what an expression says of their items.

use serde_json::Value;

use super::compared::order;
use super::parts::children;
use super::scope::Scope;
use super::{Found, Misfit, Run, made};
use crate::ignore::jq::functions::Function;
use crate::ignore::jq::parse::Expression;

impl Run {
    /// `sort_by(E)` and its like.
    pub(super) fn sorted_by<'a, 'e>(
        &mut self,
        function: Function,
        argument: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Result<Found<'a>, Misfit> {
        if !input.value.is_array() {
            return Err(Misfit);
        }
        let mut items: Vec<(Value, Value)> = Vec::new();
        for child in children(input).ok_or(Misfit)? {
            let found = self.run(argument, &child, scope)?;
            let key = self.list(found)?.value.into_owned();
            items.push((key, child.value.into_owned()));
        }
        items.sort_by(|(one, _), (other, _)| order(one, other));
        let groups = items.chunk_by(|(one, _), (other, _)| order(one, other).is_eq());
        let values = |group: &[(Value, Value)]| group.iter().map(|(_, item)| item.clone()).collect::<Value>();
        let first = |group: &[(Value, Value)]| group.first().map(|(_, item)| item.clone());
        let result = match function {
            Function::SortBy => values(&items),
            Function::GroupBy => groups.map(values).collect(),
            Function::UniqueBy => groups.filter_map(first).collect(),
            Function::MinBy => first(&items).unwrap_or_default(),
            Function::MaxBy => items.last().map(|(_, item)| item.clone()).unwrap_or_default(),
            _ => return Err(Misfit),
        };
        Ok(made(result))
    }
}
