/// What optionals come to, by cel-go and Kubernetes v1.36.
///
/// A line is an expression, its value, and what it cost of the least and the most that was estimated. `!` stands before
/// the error of a run, `✗` before what keeps an expression from being compiled.
extension Tables {
    static let optionals = ##"""
        optional.of(1) ⇒ optional(1) ¢ 1 of 1…1
        optional.none() ⇒ none ¢ 1 of 1…1
        optional.of(optional.of(1)) ⇒ optional(optional(1)) ¢ 2 of 2…2
        optional.ofNonZeroValue(0) ⇒ none ¢ 1 of 1…1
        optional.ofNonZeroValue(1) ⇒ optional(1) ¢ 1 of 1…1
        optional.ofNonZeroValue('') ⇒ none ¢ 1 of 1…1
        optional.ofNonZeroValue('a') ⇒ optional("a") ¢ 1 of 1…1
        optional.ofNonZeroValue([]) ⇒ none ¢ 1 of 11…11
        optional.ofNonZeroValue([1]) ⇒ optional([1]) ¢ 1 of 11…11
        optional.ofNonZeroValue({}) ⇒ none ¢ 1 of 31…31
        optional.ofNonZeroValue(null) ⇒ none ¢ 1 of 1…1
        optional.ofNonZeroValue(false) ⇒ none ¢ 1 of 1…1
        optional.ofNonZeroValue(0.0) ⇒ none ¢ 1 of 1…1
        optional.ofNonZeroValue(b'') ⇒ none ¢ 1 of 1…1
        optional.ofNonZeroValue(duration('0s')) ⇒ none ¢ 1 of 2…2
        optional.of(1).value() ⇒ 1 ¢ 2 of 2…2
        optional.none().value() ⇒ ! optional.none() dereference ¢ 2 of 2…2
        optional.of(1).hasValue() ⇒ true ¢ 2 of 2…2
        optional.none().hasValue() ⇒ false ¢ 2 of 2…2
        optional.of(1).or(optional.of(2)) ⇒ optional(1) ¢ 1 of 3…3
        optional.none().or(optional.of(2)) ⇒ optional(2) ¢ 2 of 3…3
        optional.none().orValue(3) ⇒ 3 ¢ 1 of 2…2
        optional.of(1).orValue(3) ⇒ 1 ¢ 1 of 2…2
        optional.of(1).orValue('a') ⇒ ✗ 1:23: found no matching overload for 'orValue' applied to 'optional_type(int).(string)'
        optional.of(1).or(optional.of(1/0)) ⇒ optional(1) ¢ 1 of 4…4
        optional.of(1) == optional.of(1) ⇒ true ¢ 3 of 3…3
        optional.of(1) == optional.of(2) ⇒ false ¢ 3 of 3…3
        optional.none() == optional.none() ⇒ true ¢ 3 of 3…1844674407370955266
        optional.of(1) == optional.none() ⇒ false ¢ 3 of 3…3
        obj.?s ⇒ optional("text") ¢ 2 of 2…2
        obj.?missing ⇒ none ¢ 1 of 2…2
        obj.?a.b ⇒ optional([1, 2, {"c": "d"}]) ¢ 3 of 2…2
        obj.?a.?b ⇒ optional([1, 2, {"c": "d"}]) ¢ 3 of 3…3
        obj.?missing.b ⇒ none ¢ 1 of 2…2
        obj.?missing.?b.orValue('x') ⇒ "x" ¢ 1 of 4…4
        obj.?a.b[0] ⇒ optional(1) ¢ 4 of 3…3
        obj.?a.b[?0] ⇒ optional(1) ¢ 4 of 3…3
        obj.?a.b[?9] ⇒ none ¢ 3 of 3…3
        obj[?'s'] ⇒ optional("text") ¢ 2 of 2…2
        obj[?'q'] ⇒ none ¢ 1 of 2…2
        [1, 2][?0] ⇒ optional(1) ¢ 2 of 11…11
        [1, 2][?5] ⇒ none ¢ 1 of 11…11
        {'a': 1}[?'a'] ⇒ optional(1) ¢ 2 of 31…31
        {'a': 1}[?'b'] ⇒ none ¢ 1 of 31…31
        {'a': 1}.?a ⇒ optional(1) ¢ 2 of 31…31
        {'a': 1}.?b ⇒ none ¢ 1 of 31…31
        {'a': 1}.?b.orValue(7) ⇒ 7 ¢ 1 of 32…32
        counts.?one.orValue(0) + counts.?three.orValue(10) ⇒ 11 ¢ 4 of 7…7
        has(obj.?a.b) ⇒ true ¢ 2 of 2…2
        has(obj.?missing.b) ⇒ false ¢ 0 of 2…2
        has(obj.?a.x) ⇒ false ¢ 1 of 2…2
        [?optional.of(1), ?optional.none(), 2] ⇒ [1, 2] ¢ 12 of 12…12
        [?obj.?missing, 'a'] ⇒ ✗ 1:17: expected type 'dyn' but found 'string'
        {?'a': optional.of(1), ?'b': optional.none(), 'c': 3} ⇒ {"a": 1, "c": 3} ¢ 32 of 32…32
        {?'a': obj.?s} ⇒ {"a": "text"} ¢ 32 of 32…32
        [1, 2, 3].first() ⇒ optional(1) ¢ 1 of 11…11
        [1, 2, 3].last() ⇒ optional(3) ¢ 1 of 11…11
        [].first() ⇒ none ¢ 1 of 11…11
        [].last() ⇒ none ¢ 1 of 11…11
        strs.first().orValue('') ⇒ "b" ¢ 2 of 3…3
        optional.unwrap([optional.of(1), optional.none(), optional.of(3)]) ⇒ [1, 3] ¢ 14 of 14…14
        [optional.of(1), optional.none()].unwrapOpt() ⇒ [1] ¢ 13 of 13…13
        optional.unwrap([dyn(1)]) ⇒ ! no such overload: optional.unwrap(list) ¢ 1 of 12…12
        optional.of(1).foo ⇒ ✗ 1:15: type 'int' does not support field selection
        optional.of({'a': 1}).a ⇒ optional(1) ¢ 3 of 31…31
        optional.of({'a': 1}).b ⇒ none ¢ 2 of 31…31
        optional.of([1, 2])[0] ⇒ optional(1) ¢ 3 of 12…12
        optional.of([1, 2])[7] ⇒ none ¢ 2 of 12…12
        optional.of({'a': 1})['a'] ⇒ optional(1) ¢ 3 of 32…32
        'a'.?b ⇒ ✗ 1:4: type 'string' does not support field selection
        1.?a ⇒ ✗ 1:2: type 'int' does not support field selection
        """##
}
