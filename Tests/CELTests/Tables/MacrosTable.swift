/// What macros come to, by cel-go and Kubernetes v1.36.
///
/// A line is an expression, its value, and what it cost of the least and the most that was estimated. `!` stands before
/// the error of a run, `✗` before what keeps an expression from being compiled.
extension Tables {
    static let macros = ##"""
        [1, 2, 3].all(x, x > 0) ⇒ true ¢ 16 of 20…26
        [1, 2, 3].all(x, x > 1) ⇒ false ¢ 8 of 20…26
        [].all(x, x > 0) ⇒ true ¢ 1 of 11…11
        [1, 0].all(x, 1/x > 0) ⇒ ! division by zero ¢ 13 of 17…23
        [0, 1].all(x, 1/x > 1) ⇒ false ¢ 13 of 17…23
        [1, 0].all(x, 1/x > 2) ⇒ false ¢ 9 of 17…23
        [1, 2, 3].exists(x, x > 2) ⇒ true ¢ 19 of 23…29
        [1, 2, 3].exists(x, x > 3) ⇒ false ¢ 19 of 23…29
        [].exists(x, true) ⇒ false ¢ 1 of 11…11
        [1, 0].exists(x, 1/x == 2) ⇒ ! division by zero ¢ 15 of 19…25
        [1, 2, 3].exists_one(x, x > 2) ⇒ true ¢ 10 of 21…24
        [1, 2, 3].exists_one(x, x > 1) ⇒ false ¢ 12 of 21…24
        [1, 2, 3].existsOne(x, x > 2) ⇒ ✗ 1:20: undeclared reference to 'existsOne' (in container '') | 1:21: undeclared reference to 'x' (in container '') | 1:24: undeclared reference to 'x' (in container '')
        [1, 2, 3].map(x, x * 2) ⇒ [2, 4, 6] ¢ 43 of 63…63
        [1, 2, 3].map(x, x > 1, x * 2) ⇒ [4, 6] ¢ 35 of 30…69
        [].map(x, x) ⇒ [] ¢ 1 of 21…21
        [1, 2, 3].filter(x, x > 1) ⇒ [2, 3] ¢ 33 of 30…66
        ['a', 'b'].map(x, x + x) ⇒ ["aa", "bb"] ¢ 31 of 51…51
        [1, 2].map(x, [x].map(y, y + x)) ⇒ [[2], [4]] ¢ 79 of 119…119
        [[1, 2], [3]].map(x, x.map(y, y * 2)) ⇒ [[2, 4], [6]] ¢ 71 of 117…145
        [1, 2, 3].filter(x, x > 1).map(x, x * x).exists(x, x == 9) ⇒ true ¢ 77 of 99…141
        counts.all(k, counts[k] > 0) ⇒ true ¢ 14 of 2…18446744073709551615
        counts.exists(k, k == 'one') ⇒ true ¢ 14 of 2…18446744073709551615
        counts.exists_one(k, counts[k] == 2) ⇒ true ¢ 11 of 3…18446744073709551615
        {'a': 1}.map(k, k) ⇒ ["a"] ¢ 14 of 54…54
        {'a': 1}.filter(k, k == 'a') ⇒ ["a"] ¢ 16 of 44…56
        strs.all(s, s.size() == 1) ⇒ true ¢ 20 of 2…18446744073709551615
        strs.map(s, s.upperAscii()) ⇒ ["B", "A", "C"] ¢ 44 of 12…18446744073709551615
        ints.filter(i, i > 1) ⇒ [3, 2] ¢ 34 of 12…18446744073709551615
        ints.map(i, {'v': i}) ⇒ [{"v": 3}, {"v": 1}, {"v": 2}] ¢ 131 of 12…18446744073709551615
        obj.list.all(x, x in ['a', 'b']) ⇒ true ¢ 11 of 2…18446744073709551615
        obj.a.b.filter(x, type(x) == int) ⇒ [1, 2] ¢ 39 of 12…18446744073709551615
        obj.missing.all(x, true) ⇒ ! no such key: missing ¢ 2 of 2…18446744073709551615
        obj.s.all(x, true) ⇒ ! got 'types.String', expected iterable type ¢ 2 of 2…18446744073709551615
        dyn(1).all(x, true) ⇒ ! got 'types.Int', expected iterable type ¢ 0 of 5…5
        1.all(x, true) ⇒ ✗ 1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)
        'abc'.all(x, true) ⇒ ✗ 1:1: expression of type 'string' cannot be range of a comprehension (must be list, map, or dynamic)
        [1].all(1, true) ⇒ ✗ 1:9: argument must be a simple name
        [1].all(x.y, true) ⇒ ✗ 1:10: argument must be a simple name
        [1].map(1, 2) ⇒ ✗ 1:9: argument is not an identifier
        [1].filter('a', true) ⇒ ✗ 1:12: argument is not an identifier
        [1].all(x) ⇒ ✗ 1:8: undeclared reference to 'all' (in container '') | 1:9: undeclared reference to 'x' (in container '')
        [1].all(x, y, z, w) ⇒ ✗ 1:8: undeclared reference to 'all' (in container '') | 1:9: undeclared reference to 'x' (in container '') | 1:12: undeclared reference to 'y' (in container '') | 1:15: undeclared reference to 'z' (in container '') | 1:18: undeclared reference to 'w' (in container '')
        [1].all(__result__, true) ⇒ ✗ 1:9: iteration variable overwrites accumulator variable
        [1].all(x, x) ⇒ ✗ 1:12: expected type 'bool' but found 'int'
        [1].all(x, 'a') ⇒ ✗ 1:12: expected type 'bool' but found 'string'
        [1].exists_one(x, 1) ⇒ ✗ 1:15: found no matching overload for '_?_:_' applied to '(int, int, int)'
        [1].filter(x, 1) ⇒ ✗ 1:11: found no matching overload for '_?_:_' applied to '(int, list(int), list(int))'
        [1, 2].all(i, v, i < v) ⇒ true ¢ 13 of 17…23
        [1, 2].exists(i, v, i == 1 && v == 2) ⇒ true ¢ 15 of 19…27
        [1, 2].existsOne(i, v, v == 2) ⇒ true ¢ 8 of 18…20
        [1, 2].exists_one(i, v, v > 0) ⇒ false ¢ 10 of 18…20
        [10, 20].transformList(i, v, i + v) ⇒ [10, 21] ¢ 31 of 51…51
        [10, 20].transformList(i, v, i > 0, i + v) ⇒ [21] ¢ 20 of 27…55
        [10, 20].transformMap(i, v, v * 2) ⇒ {0: 20, 1: 40} ¢ 11 of 51…51
        [10, 20].transformMap(i, v, v > 10, v * 2) ⇒ {1: 40} ¢ 10 of 47…55
        {'a': 1, 'b': 2}.transformMap(k, v, v + 1) ⇒ {"a": 2, "b": 3} ¢ 11 of 71…71
        {'a': 1, 'b': 2}.transformMap(k, v, k == 'a', v + 1) ⇒ {"a": 2} ¢ 10 of 67…75
        {'a': 'x', 'b': 'y'}.transformMapEntry(k, v, {v: k}) ⇒ {"x": "a", "y": "b"} ¢ 69 of 129…129
        ['x', 'y'].transformMapEntry(i, v, {v: i}) ⇒ {"x": 0, "y": 1} ¢ 69 of 109…109
        ['x', 'y'].transformMapEntry(i, v, i == 0, {v: i}) ⇒ {"x": 0} ¢ 39 of 47…113
        {'a': 1}.transformList(k, v, k + string(v)) ⇒ ["a1"] ¢ 17 of 57…1844674407370955320
        counts.all(k, v, v > 0 && k != '') ⇒ true ¢ 14 of 2…18446744073709551615
        counts.exists(k, v, v == 2) ⇒ true ¢ 11 of 2…18446744073709551615
        [1].all(i, i, true) ⇒ ✗ 1:12: duplicate variable name: i
        [1].transformList(1, v, v) ⇒ ✗ 1:19: argument must be a simple name
        [1, 2, 3].all(i, v, 1/i > 0) ⇒ false ¢ 19 of 20…29
        has(obj.a.b) && obj.a.b.size() == 3 ⇒ true ¢ 7 of 1…4
        [3, 1, 2].sortBy(x, -x) ⇒ [3, 2, 1] ¢ 74 of 104…104
        ['bb', 'a', 'ccc'].sortBy(x, x.size()) ⇒ ["a", "bb", "ccc"] ¢ 74 of 104…104
        strs.sortBy(x, x) ⇒ ["a", "b", "c"] ¢ 72 of 35…18446744073709551615
        [{'n': 2}, {'n': 1}].sortBy(x, x.n) ⇒ [{"n": 1}, {"n": 2}] ¢ 50 of 140…140
        [1, 'a'].sortBy(x, x) ⇒ ✗ 1:5: expected type 'int' but found 'string'
        1.sortBy(x, x) ⇒ ✗ 1:1: sortBy can only be applied to a list, identifier, comprehension, call or select expression
        optional.of(1).optMap(x, x + 1) ⇒ optional(2) ¢ 7 of 3…17
        optional.none().optMap(x, x + 1) ⇒ none ¢ 3 of 3…17
        optional.of([1, 2]).optFlatMap(x, x.first()) ⇒ optional(1) ¢ 6 of 13…36
        optional.none().optFlatMap(x, optional.of(x)) ⇒ none ¢ 3 of 3…16
        optional.of(1).optMap(1, 2) ⇒ ✗ 1:23: optMap() variable name must be a simple identifier
        obj.?s.optMap(x, x + '!') ⇒ optional("text!") ¢ 9 of 4…1844674407370955282
        obj.?missing.optMap(x, x + '!') ⇒ none ¢ 3 of 4…1844674407370955282
        obj.?a.optFlatMap(x, x.?b) ⇒ optional([1, 2, {"c": "d"}]) ¢ 8 of 4…18
        """##
}
