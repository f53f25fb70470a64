/// What regular expressions come to, by cel-go and Kubernetes v1.36.
///
/// A line is an expression, its value, and what it cost of the least and the most that was estimated. `!` stands before
/// the error of a run, `✗` before what keeps an expression from being compiled.
extension Tables {
    static let patterns = ##"""
        'aXbX'.find('.*?X') ⇒ "aX" ¢ 1 of 1…1
        'aXbX'.find('.*X') ⇒ "aXbX" ¢ 1 of 1…1
        'foobar'.find('foo|foobar') ⇒ "foo" ¢ 3 of 3…3
        'foobar'.find('(?:foo|foobar)$') ⇒ "foobar" ¢ 4 of 4…4
        'aaaa'.find('a{2}') ⇒ "aa" ¢ 1 of 1…1
        'aaaa'.find('a{2,3}') ⇒ "aaa" ¢ 2 of 2…2
        'aaaa'.find('a{2,}') ⇒ "aaaa" ¢ 2 of 2…2
        'aaaa'.find('a{2,3}?') ⇒ "aa" ¢ 2 of 2…2
        'a{2'.find('a{2') ⇒ "a{2" ¢ 1 of 1…1
        'a{,2}'.find('a{,2}') ⇒ "a{,2}" ¢ 2 of 2…2
        'x1y22'.findAll('\\d+') ⇒ ["1", "22"] ¢ 1 of 1…1
        'x1y22'.findAll('\\D+') ⇒ ["x", "y"] ¢ 1 of 1…1
        'a b\tc'.findAll('\\s') ⇒ [" ", "\t"] ¢ 1 of 1…1
        'a b_1-'.findAll('\\w+') ⇒ ["a", "b_1"] ¢ 1 of 1…1
        'a b_1-'.findAll('\\W') ⇒ [" ", "-"] ¢ 1 of 1…1
        'foo bar'.findAll('\\b\\w') ⇒ ["f", "b"] ¢ 1 of 1…1
        'foo bar'.findAll('\\B\\w') ⇒ ["o", "o", "a", "r"] ¢ 1 of 1…1
        'a-z'.findAll('[a\\-z]') ⇒ ["a", "-", "z"] ¢ 2 of 2…2
        'a]b'.findAll('[]a]') ⇒ ["a", "]"] ¢ 1 of 1…1
        'a^b'.findAll('[\\^a]') ⇒ ["a", "^"] ¢ 2 of 2…2
        'abcXYZ'.findAll('[^a-z]') ⇒ ["X", "Y", "Z"] ¢ 2 of 2…2
        'abc123'.findAll('[[:digit:]]') ⇒ ["1", "2", "3"] ¢ 3 of 3…3
        'abc123'.findAll('[[:^digit:]]') ⇒ ["a", "b", "c"] ¢ 3 of 3…3
        'abc123_'.findAll('[[:word:]]+') ⇒ ["abc123_"] ¢ 3 of 3…3
        'ÀÉz'.findAll('\\p{Lu}') ⇒ ["À", "É"] ¢ 2 of 2…2
        'ÀÉz'.findAll('\\pL') ⇒ ["À", "É", "z"] ¢ 1 of 1…1
        'ÀÉz'.findAll('\\P{Lu}') ⇒ ["z"] ¢ 2 of 2…2
        'ÀÉz1'.findAll('[\\p{L}\\d]+') ⇒ ["ÀÉz1"] ¢ 3 of 3…3
        'αβγabc'.findAll('\\p{Greek}+') ⇒ ["αβγ"] ¢ 3 of 3…3
        '漢字かな'.findAll('\\p{Han}+') ⇒ ["漢字"] ¢ 2 of 2…2
        'K'.matches('(?i)\u212a') ⇒ true ¢ 2 of 2…2
        'ſ'.matches('(?i)s') ⇒ true ¢ 2 of 2…2
        'Straße'.matches('(?i)STRASSE') ⇒ false ¢ 3 of 3…3
        'é'.matches('(?i)É') ⇒ true ¢ 2 of 2…2
        'aBc'.matches('(?i:b)') ⇒ true ¢ 2 of 2…2
        'aBc'.matches('a(?i)b(?-i)C') ⇒ false ¢ 3 of 3…3
        'a\nb'.findAll('(?m)^.') ⇒ ["a", "b"] ¢ 2 of 2…2
        'a\nb'.findAll('^.') ⇒ ["a"] ¢ 1 of 1…1
        'a\nb'.findAll('(?m).$') ⇒ ["a", "b"] ¢ 2 of 2…2
        'a\nb\n'.matches('b$') ⇒ false ¢ 1 of 1…1
        'a\nb'.matches('\\Aa') ⇒ true ¢ 1 of 1…1
        'a\nb'.matches('b\\z') ⇒ true ¢ 1 of 1…1
        'aa'.find('(?U)a+') ⇒ "a" ¢ 2 of 2…2
        'aa'.find('(?U)a+?') ⇒ "aa" ¢ 2 of 2…2
        'a.b'.matches('\\Qa.b\\E') ⇒ true ¢ 2 of 2…2
        'axb'.matches('\\Qa.b\\E') ⇒ false ¢ 2 of 2…2
        '\t\n\f\r\v\a'.matches('\\t\\n\\f\\r\\v\\a') ⇒ true ¢ 3 of 3…3
        'A'.matches('\\x41') ⇒ true ¢ 1 of 1…1
        'A'.matches('\\x{41}') ⇒ true ¢ 2 of 2…2
        'A'.matches('\\101') ⇒ true ¢ 1 of 1…1
        'a'.matches('\\0') ⇒ false ¢ 1 of 1…1
        '(?P<x>a)'.matches('(?P<x>a)') ⇒ true ¢ 2 of 2…2
        'a'.matches('(?<x>a)') ⇒ true ¢ 2 of 2…2
        'a'.matches('(?P<x>a)(?P<x>b)') ⇒ false ¢ 4 of 4…4
        'a'.matches('(?P<1x>a)') ⇒ true ¢ 3 of 3…3
        'a'.matches('(?P<x') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('(?=a)') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('(?!a)') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('(?<=a)') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('(a)\\1') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('a**') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('a*+') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('a??') ⇒ true ¢ 1 of 1…1
        'a'.matches('*a') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('a|*') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('(*)') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('a{1001}') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('a{2,1}') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('(a{100}){100}') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('((a{10}){10}){10}') ⇒ false ¢ 5 of 5…5
        'a'.matches('[z-a]') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('[a') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('[a-') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('[[:foo:]]') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('\\p{Foo}') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('\\pX') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('a)') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('(a') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('((a)') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('\\') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('\\y') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('\\C') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('(?z)a') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('(?i') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('(?') ⇒ ✗ 1:13: invalid matches argument
        'a'.matches('()') ⇒ true ¢ 1 of 1…1
        'a'.matches('a||b') ⇒ true ¢ 1 of 1…1
        'ab'.findAll('a|') ⇒ ["a", ""] ¢ 1 of 1…1
        ''.matches('^$') ⇒ true ¢ 1 of 1…1
        'abab'.findAll('(ab)*') ⇒ ["abab"] ¢ 2 of 2…2
        'xabx'.findAll('(a|b)*') ⇒ ["", "ab", ""] ¢ 2 of 2…2
        'aab'.find('a*?b') ⇒ "aab" ¢ 1 of 1…1
        'abcde'.find('b(.*)d') ⇒ "bcd" ¢ 2 of 2…2
        '1.2.3'.matches('^[0-9]+(\\.[0-9]+){2}$') ⇒ true ¢ 6 of 6…6
        'a-b.c'.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$') ⇒ true ¢ 17 of 17…17
        'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('^(a+)+$') ⇒ false ¢ 10 of 10…10
        dyn(str).matches('[' + '') ⇒ ! error parsing regexp: missing closing ]: `[` ¢ 4 of 4…1844674407370955267
        dyn(str).matches('a**' + '') ⇒ ! error parsing regexp: invalid nested repetition operator: `**` ¢ 4 of 4…1844674407370955267
        dyn(str).matches('(?!x)' + '') ⇒ ! error parsing regexp: invalid or unsupported Perl syntax: `(?!` ¢ 5 of 5…3689348814741910531
        dyn(str).matches('(x' + '') ⇒ ! error parsing regexp: missing closing ): `(x` ¢ 4 of 4…1844674407370955267
        dyn(str).matches('x)' + '') ⇒ ! error parsing regexp: unexpected ): `x)` ¢ 4 of 4…1844674407370955267
        dyn(str).matches('x\\' + '') ⇒ ! error parsing regexp: trailing backslash at end of expression: `` ¢ 4 of 4…1844674407370955267
        dyn(str).matches('\\y' + '') ⇒ ! error parsing regexp: invalid escape sequence: `\y` ¢ 4 of 4…1844674407370955267
        dyn(str).matches('[b-a]' + '') ⇒ ! error parsing regexp: invalid character class range: `b-a` ¢ 5 of 5…3689348814741910531
        dyn(str).matches('x{1001}' + '') ⇒ ! error parsing regexp: invalid repeat count: `{1001}` ¢ 5 of 5…3689348814741910531
        dyn(str).matches('(?P<>a)' + '') ⇒ ! error parsing regexp: invalid named capture: `(?P<>` ¢ 5 of 5…3689348814741910531
        dyn(str).matches('*' + '') ⇒ ! error parsing regexp: missing argument to repetition operator: `*` ¢ 4 of 4…1844674407370955267
        dyn(str).matches('\\p{X}' + '') ⇒ ! error parsing regexp: invalid character class range: `\p{X}` ¢ 5 of 5…3689348814741910531
        """##
}
