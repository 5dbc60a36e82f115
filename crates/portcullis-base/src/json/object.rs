//! The members of an object, sorted by name, in one stretch of memory.
//!
//! Token payloads have a dozen members that are read once. A vector that is sorted when it is
//! complete costs a fraction of a tree there, and looks the same from outside.

use std::{mem, ops::Index, slice, vec};

use super::Value;

/// The members of an object, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    // INVARIANT: sorted by name, and no name stands twice.
    members: Vec<(String, Value)>,
}

impl Object {
    /// No members.
    #[must_use]
    pub const fn new() -> Self {
        Self { members: Vec::new() }
    }

    /// Members in any order; `None` when a name stands twice.
    pub(super) fn of(mut members: Vec<(String, Value)>) -> Option<Self> {
        let in_order = |pair: &[(String, Value)]| match pair {
            [(left, _), (right, _)] => left < right,
            _ => true,
        };
        if !members.windows(2).all(in_order) {
            members.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        }
        members.windows(2).all(in_order).then_some(Self { members })
    }

    /// Sets a member; gives back its former value.
    pub fn insert(&mut self, name: String, value: Value) -> Option<Value> {
        match self.place_of(&name) {
            Ok(place) => self.members.get_mut(place).map(|(_, old)| mem::replace(old, value)),
            Err(place) => {
                self.members.insert(place, (name, value));
                None
            }
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.place_of(name).ok().map(|place| self.members.remove(place).1)
    }

    /// The value of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.get_key_value(name).map(|(_, value)| value)
    }

    /// A member.
    #[must_use]
    pub fn get_key_value(&self, name: &str) -> Option<(&String, &Value)> {
        let found = if self.members.len() <= FEW {
            // Most names of one length differ in their first byte.
            let (length, first) = (name.len(), name.as_bytes().first());
            let near = |own: &str| own.len() == length && own.as_bytes().first() == first;
            self.members.iter().find(|(own, _)| near(own) && own == name)
        } else {
            self.place_of(name).ok().and_then(|place| self.members.get(place))
        };
        found.map(|(name, value)| (name, value))
    }

    /// The value of a member, to be changed.
    #[must_use]
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let place = self.place_of(name).ok()?;
        self.members.get_mut(place).map(|(_, value)| value)
    }

    /// Whether there is such a member.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// How many members there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members, by name.
    #[must_use]
    pub fn iter(&self) -> Members<'_> {
        Members(self.members.iter())
    }

    /// The names, sorted.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &String> {
        self.members.iter().map(|(name, _)| name)
    }

    /// The values, by name.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.members.iter().map(|(_, value)| value)
    }

    /// The values, by name, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.members.iter_mut().map(|(_, value)| value)
    }

    /// Takes all members out.
    pub fn clear(&mut self) {
        self.members.clear();
    }

    /// Keeps the members that `keep` says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(&String, &mut Value) -> bool) {
        self.members.retain_mut(|(name, value)| keep(name, value));
    }

    fn place_of(&self, name: &str) -> Result<usize, usize> {
        self.members.binary_search_by(|(own, _)| own.as_str().cmp(name))
    }
}

/// The members of an object, by name.
#[derive(Clone, Debug)]
pub struct Members<'a>(slice::Iter<'a, (String, Value)>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a String, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Members<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(name, value)| (name, value))
    }
}

impl ExactSizeIterator for Members<'_> {}

impl<'a> IntoIterator for &'a Object {
    type Item = (&'a String, &'a Value);
    type IntoIter = Members<'a>;

    fn into_iter(self) -> Members<'a> {
        self.iter()
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl Index<&str> for Object {
    type Output = Value;

    /// # Panics
    ///
    /// When there is no such member: for tests.
    fn index(&self, name: &str) -> &Value {
        self.get(name).expect("the caller knows that the member is there")
    }
}

impl Extend<(String, Value)> for Object {
    /// Of two members of one name the later stays.
    fn extend<I: IntoIterator<Item = (String, Value)>>(&mut self, members: I) {
        for (name, value) in members {
            self.insert(name, value);
        }
    }
}

impl FromIterator<(String, Value)> for Object {
    /// Of two members of one name the later stays.
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        let mut object = Self::new();
        object.extend(members);
        object
    }
}

impl<const N: usize> From<[(String, Value); N]> for Object {
    fn from(members: [(String, Value); N]) -> Self {
        members.into_iter().collect()
    }
}

/// So few that comparing each is quicker than halving.
const FEW: usize = 16;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    proptest::proptest! {
        #[test]
        fn an_object_does_what_a_map_does(
            steps in proptest::collection::vec(("[a-d]{0,2}", 0..3_u8, 0..9_u64), 0..60),
        ) {
            let mut object = Object::new();
            let mut map: BTreeMap<String, Value> = BTreeMap::new();
            for (name, step, number) in steps {
                let value = Value::from(number);
                match step {
                    0 => proptest::prop_assert_eq!(object.remove(&name), map.remove(&name)),
                    1 => proptest::prop_assert_eq!(object.get(&name), map.get(&name)),
                    _ => proptest::prop_assert_eq!(
                        object.insert(name.clone(), value.clone()),
                        map.insert(name, value),
                    ),
                }
                proptest::prop_assert_eq!(object.len(), map.len());
                proptest::prop_assert!(object.iter().eq(map.iter()));
            }
        }

        #[test]
        fn members_in_any_order_are_the_same_object_unless_one_stands_twice(
            names in proptest::collection::vec("[a-c]{0,3}", 0..30),
        ) {
            let pairs = |names: &[String]| -> Vec<(String, Value)> {
                names.iter().map(|name| (name.clone(), Value::Null)).collect()
            };
            let object: Object = pairs(&names).into_iter().collect();
            let expected = (object.len() == names.len()).then_some(object);
            proptest::prop_assert_eq!(Object::of(pairs(&names)), expected);
        }
    }

    #[test]
    fn members_are_found_whether_few_or_many() {
        for count in [0, 1, FEW, FEW + 1, 100] {
            let name = |number: usize| format!("m{number}");
            let object: Object =
                (0..count).map(|number| (name(number), Value::from(number as u64))).collect();
            for number in 0..count {
                assert_eq!(object.get(&name(number)), Some(&Value::from(number as u64)));
            }
            assert!(!object.contains_key("m"));
            assert!(!object.contains_key(&name(count)));
        }
    }
}
