/// What functions of lists and sets come to, by cel-go and Kubernetes v1.36.
///
/// A line is an expression, its value, and what it cost of the least and the most that was estimated. `!` stands before
/// the error of a run, `✗` before what keeps an expression from being compiled.
extension Tables {
    static let lists = ##"""
        [1, 2, 3].size() ⇒ 3 ¢ 1 of 11…11
        size([]) ⇒ 0 ¢ 1 of 11…11
        size({'a': 1}) ⇒ 1 ¢ 1 of 31…31
        {'a': 1}.size() ⇒ 1 ¢ 1 of 31…31
        size(1) ⇒ ✗ 1:5: found no matching overload for 'size' applied to '(int)'
        [1, 2, 3].isSorted() ⇒ true ¢ 3 of 13…13
        [3, 1].isSorted() ⇒ false ¢ 2 of 12…12
        [].isSorted() ⇒ true ¢ 0 of 10…10
        ['a', 'b'].isSorted() ⇒ true ¢ 0 of 12…3689348814741910540
        [1.0, 2.0].isSorted() ⇒ true ¢ 2 of 12…12
        [duration('1s'), duration('2s')].isSorted() ⇒ true ¢ 2 of 14…14
        [true, false].isSorted() ⇒ false ¢ 2 of 12…12
        [b'a', b'b'].isSorted() ⇒ true ¢ 0 of 12…3689348814741910540
        [timestamp(1), timestamp(2)].isSorted() ⇒ true ¢ 2 of 14…14
        [[1], [2]].isSorted() ⇒ ✗ 1:20: found no matching overload for 'isSorted' applied to 'list(list(int)).()'
        [1, 2, 3].sum() ⇒ 6 ¢ 3 of 13…13
        [1u, 2u].sum() ⇒ 3u ¢ 2 of 12…12
        [1.5, 2.5].sum() ⇒ 4d ¢ 2 of 12…12
        [duration('1s'), duration('2s')].sum() ⇒ duration(3s) ¢ 2 of 14…14
        [].sum() ⇒ 0 ¢ 0 of 10…10
        ['a'].sum() ⇒ ✗ 1:10: found no matching overload for 'sum' applied to 'list(string).()'
        [9223372036854775807, 1].sum() ⇒ ! integer overflow ¢ 2 of 12…12
        [1, 3, 2].max() ⇒ 3 ¢ 3 of 13…13
        [1, 3, 2].min() ⇒ 1 ¢ 3 of 13…13
        ['b', 'a'].min() ⇒ "a" ¢ 0 of 12…3689348814741910540
        ['b', 'a'].max() ⇒ "b" ¢ 0 of 12…3689348814741910540
        [].min() ⇒ ! min called on empty list ¢ 0 of 10…10
        [].max() ⇒ ! max called on empty list ¢ 0 of 10…10
        [1.5, 0.5].min() ⇒ 0.5d ¢ 2 of 12…12
        [1, 2, 2, 3].indexOf(2) ⇒ 1 ¢ 4 of 14…14
        [1, 2, 2, 3].lastIndexOf(2) ⇒ 2 ¢ 4 of 14…14
        [1, 2].indexOf(5) ⇒ -1 ¢ 2 of 12…12
        ['a'].indexOf('a') ⇒ 0 ¢ 0 of 11…1844674407370955275
        ['a'].indexOf(1) ⇒ ✗ 1:14: found no matching overload for 'indexOf' applied to 'list(string).(int)'
        strs.indexOf('c') ⇒ 2 ¢ 1 of 1…18446744073709551615
        [1, 2, 3, 4].slice(1, 3) ⇒ [2, 3] ¢ 13 of 23…23
        [1, 2, 3, 4].slice(0, 4) ⇒ [1, 2, 3, 4] ¢ 15 of 25…25
        [1, 2, 3, 4].slice(2, 2) ⇒ [] ¢ 11 of 21…21
        [1, 2, 3, 4].slice(3, 1) ⇒ ! cannot slice(3, 1), start index must be less than or equal to end index ¢ 12 of 18446744073709551615…18446744073709551615
        [1, 2, 3, 4].slice(-1, 2) ⇒ ! cannot slice(-1, 2), negative indexes not supported ¢ 12 of 23…23
        [1, 2, 3, 4].slice(0, 9) ⇒ ! cannot slice(0, 9), list is length 4 ¢ 12 of 30…30
        [[1, 2], [3]].flatten() ⇒ [1, 2, 3] ¢ 13 of 43…43
        [1, [2]].flatten() ⇒ ✗ 1:5: expected type 'int' but found 'list(int)'
        [[1, [2, [3]]]].flatten(1) ⇒ ✗ 1:6: expected type 'int' but found 'list(dyn)' | 1:10: expected type 'int' but found 'list(int)'
        [[1], [[2, 3]]].flatten(2) ⇒ ✗ 1:7: expected type 'list(int)' but found 'list(list(int))'
        [dyn([1]), dyn([dyn([2])])].flatten(2) ⇒ [1, 2] ¢ 15 of 58…58
        [dyn([1])].flatten(-1) ⇒ ! level must be non-negative ¢ 10 of 32…32
        lists.range(5) ⇒ [0, 1, 2, 3, 4] ¢ 16 of 16…16
        lists.range(0) ⇒ [] ¢ 11 of 11…11
        lists.range(-1) ⇒ [] ¢ 11 of 11…11
        [3, 1, 2].sort() ⇒ [1, 2, 3] ¢ 29 of 39…39
        ['b', 'a'].sort() ⇒ ["a", "b"] ¢ 19 of 30…30
        [].sort() ⇒ [] ¢ 11 of 21…21
        [dyn(1), dyn('a')].sort() ⇒ ! list elements must have the same type ¢ 1 of 31…32
        [1, 2, 2, 3, 1].distinct() ⇒ [1, 2, 3] ¢ 61 of 71…71
        ['a', 'b', 'a'].distinct() ⇒ ["a", "b"] ¢ 29 of 39…39
        [dyn(1), 1.0, 1u].distinct() ⇒ ✗ 1:10: expected type 'dyn' but found 'double'
        sets.contains([1, 2, 3], [2, 3]) ⇒ true ¢ 7 of 27…27
        sets.contains([1], [2]) ⇒ false ¢ 2 of 22…22
        sets.contains([], []) ⇒ true ¢ 1 of 21…21
        sets.contains([1], []) ⇒ true ¢ 1 of 21…21
        sets.contains([dyn(1)], [1.0]) ⇒ true ¢ 2 of 23…23
        sets.equivalent([1, 2], [2, 1, 1]) ⇒ true ¢ 13 of 33…33
        sets.equivalent([1], [1, 2]) ⇒ false ¢ 5 of 25…25
        sets.equivalent([], []) ⇒ true ¢ 1 of 21…21
        sets.intersects([1, 2], [2, 3]) ⇒ true ¢ 5 of 25…25
        sets.intersects([1], [2]) ⇒ false ¢ 2 of 22…22
        sets.intersects([], [1]) ⇒ false ¢ 1 of 21…21
        sets.contains(strs, ['a']) ⇒ true ¢ 5 of 12…18446744073709551615
        strs.size() ⇒ 3 ¢ 2 of 2…2
        ints.sum() ⇒ 6 ¢ 4 of 1…18446744073709551615
        ints.max() + ints.min() ⇒ 4 ¢ 9 of 3…18446744073709551615
        ints.isSorted() ⇒ false ¢ 4 of 1…18446744073709551615
        ints.sort() ⇒ [1, 2, 3] ¢ 30 of 12…18446744073709551615
        """##
}
