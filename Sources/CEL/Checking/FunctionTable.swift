/// The functions of the environment that Kubernetes v1.36 gives to expressions, as text: one overload a line.
///
/// A line is `function overload (arguments) result`; a function that is called on its first argument begins with a
/// dot. Types are written as in messages, an optional as `optional(V)`, an object type with its full name; a single
/// capital letter is a type parameter. Where several overloads fit, the first decides the type.
///
/// Specified in the CEL language definition under *List of Standard Definitions*, in cel-go's extensions, and in the
/// Kubernetes documentation under *Common Expression Language*.
enum FunctionTable {
    static let text = standard + comparisons + time + conversions + optionals + strings + lists + kubernetes

    private static let standard = """
        _?_:_ conditional (bool, A, A) A
        _&&_ logical_and (bool, bool) bool
        _||_ logical_or (bool, bool) bool
        !_ logical_not (bool) bool
        @not_strictly_false not_strictly_false (bool) bool
        _==_ equals (A, A) bool
        _!=_ not_equals (A, A) bool
        _+_ add_bytes (bytes, bytes) bytes
        _+_ add_double (double, double) double
        _+_ add_duration_duration (duration, duration) duration
        _+_ add_duration_timestamp (duration, timestamp) timestamp
        _+_ add_timestamp_duration (timestamp, duration) timestamp
        _+_ add_int64 (int, int) int
        _+_ add_list (list(A), list(A)) list(A)
        _+_ add_string (string, string) string
        _+_ add_uint64 (uint, uint) uint
        _/_ divide_double (double, double) double
        _/_ divide_int64 (int, int) int
        _/_ divide_uint64 (uint, uint) uint
        _%_ modulo_int64 (int, int) int
        _%_ modulo_uint64 (uint, uint) uint
        _*_ multiply_double (double, double) double
        _*_ multiply_int64 (int, int) int
        _*_ multiply_uint64 (uint, uint) uint
        -_ negate_double (double) double
        -_ negate_int64 (int) int
        _-_ subtract_double (double, double) double
        _-_ subtract_duration_duration (duration, duration) duration
        _-_ subtract_int64 (int, int) int
        _-_ subtract_timestamp_duration (timestamp, duration) timestamp
        _-_ subtract_timestamp_timestamp (timestamp, timestamp) duration
        _-_ subtract_uint64 (uint, uint) uint
        _[_] index_list (list(A), int) A
        _[_] index_map (map(A, B), A) B
        @in in_list (A, list(A)) bool
        @in in_map (A, map(A, B)) bool
        size size_bytes (bytes) int
        .size bytes_size (bytes) int
        size size_list (list(A)) int
        .size list_size (list(A)) int
        size size_map (map(A, B)) int
        .size map_size (map(A, B)) int
        size size_string (string) int
        .size string_size (string) int
        .contains contains_string (string, string) bool
        .endsWith ends_with_string (string, string) bool
        .startsWith starts_with_string (string, string) bool
        matches matches (string, string) bool
        .matches matches_string (string, string) bool

        """

    /// The orderings of all that can be ordered; numbers of different types compare by value.
    private static let comparisons = [
        ("_<_", "less"), ("_<=_", "less_equals"), ("_>_", "greater"), ("_>=_", "greater_equals"),
    ].map { function, name in
        let pairs = [
            ("bool", "bool"), ("int", "int"), ("int", "double"), ("int", "uint"), ("uint", "uint"),
            ("uint", "double"), ("uint", "int"), ("double", "double"), ("double", "int"), ("double", "uint"),
            ("string", "string"), ("bytes", "bytes"), ("timestamp", "timestamp"), ("duration", "duration"),
        ]
        let shown = ["int": "int64", "uint": "uint64"]
        return pairs.map { left, right in
            let first = shown[left] ?? left
            let suffix = left == right ? first : "\(first)_\(shown[right] ?? right)"
            return "\(function) \(name)_\(suffix) (\(left), \(right)) bool\n"
        }.joined()
    }.joined()

    private static let time = [
        ("getFullYear", "year", false), ("getMonth", "month", false), ("getDayOfYear", "day_of_year", false),
        ("getDayOfMonth", "day_of_month", false), ("getDate", "day_of_month_1_based", false),
        ("getDayOfWeek", "day_of_week", false), ("getHours", "hours", true), ("getMinutes", "minutes", true),
        ("getSeconds", "seconds", true), ("getMilliseconds", "milliseconds", true),
    ].map { function, name, ofDuration in
        """
        .\(function) timestamp_to_\(name) (timestamp) int
        .\(function) timestamp_to_\(name)_with_tz (timestamp, string) int
        \(ofDuration ? ".\(function) duration_to_\(name) (duration) int" : "")

        """
    }.joined()

    private static let conversions = """
        type type (A) type(A)
        bool bool_to_bool (bool) bool
        bool string_to_bool (string) bool
        bytes bytes_to_bytes (bytes) bytes
        bytes string_to_bytes (string) bytes
        double double_to_double (double) double
        double int64_to_double (int) double
        double string_to_double (string) double
        double uint64_to_double (uint) double
        duration duration_to_duration (duration) duration
        duration int64_to_duration (int) duration
        duration string_to_duration (string) duration
        dyn to_dyn (A) dyn
        int int64_to_int64 (int) int
        int double_to_int64 (double) int
        int duration_to_int64 (duration) int
        int string_to_int64 (string) int
        int timestamp_to_int64 (timestamp) int
        int uint64_to_int64 (uint) int
        string string_to_string (string) string
        string bool_to_string (bool) string
        string bytes_to_string (bytes) string
        string double_to_string (double) string
        string duration_to_string (duration) string
        string int64_to_string (int) string
        string timestamp_to_string (timestamp) string
        string uint64_to_string (uint) string
        timestamp timestamp_to_timestamp (timestamp) timestamp
        timestamp int64_to_timestamp (int) timestamp
        timestamp string_to_timestamp (string) timestamp
        uint uint64_to_uint64 (uint) uint
        uint double_to_uint64 (double) uint
        uint int64_to_uint64 (int) uint
        uint string_to_uint64 (string) uint

        """

    private static let optionals = """
        optional.of optional_of (V) optional(V)
        optional.ofNonZeroValue optional_ofNonZeroValue (V) optional(V)
        optional.none optional_none () optional(V)
        .value optional_value (optional(V)) V
        .hasValue optional_hasValue (optional(V)) bool
        .or optional_or_optional (optional(V), optional(V)) optional(V)
        .orValue optional_orValue_value (optional(V), V) V
        _?._ select_optional_field (dyn, string) optional(V)
        _[?_] list_optindex_optional_int (list(V), int) optional(V)
        _[?_] optional_list_optindex_optional_int (optional(list(V)), int) optional(V)
        _[?_] map_optindex_optional_value (map(K, V), K) optional(V)
        _[?_] optional_map_optindex_optional_value (optional(map(K, V)), K) optional(V)
        _[_] optional_list_index_int (optional(list(V)), int) optional(V)
        _[_] optional_map_index_value (optional(map(K, V)), K) optional(V)
        .last list_last (list(V)) optional(V)
        .first list_first (list(V)) optional(V)
        optional.unwrap optional_unwrap (list(optional(V))) list(V)
        .unwrapOpt optional_unwrapOpt (list(optional(V))) list(V)
        cel.@mapInsert @mapInsert_map_key_value (map(K, V), K, V) map(K, V)
        cel.@mapInsert @mapInsert_map_map (map(K, V), map(K, V)) map(K, V)

        """

    private static let strings = """
        .charAt string_char_at_int (string, int) string
        .indexOf list_a_index_of_int (list(A), A) int
        .indexOf string_index_of_string (string, string) int
        .indexOf string_index_of_string_int (string, string, int) int
        .lastIndexOf list_a_last_index_of_int (list(A), A) int
        .lastIndexOf string_last_index_of_string (string, string) int
        .lastIndexOf string_last_index_of_string_int (string, string, int) int
        .lowerAscii string_lower_ascii (string) string
        .replace string_replace_string_string (string, string, string) string
        .replace string_replace_string_string_int (string, string, string, int) string
        .split string_split_string (string, string) list(string)
        .split string_split_string_int (string, string, int) list(string)
        .substring string_substring_int (string, int) string
        .substring string_substring_int_int (string, int, int) string
        .trim string_trim (string) string
        .upperAscii string_upper_ascii (string) string
        .format string_format (string, list(dyn)) string
        strings.quote strings_quote (string) string
        .join list_join (list(string)) string
        .join list_join_string (list(string), string) string
        .find string_find_string (string, string) string
        .findAll string_find_all_string (string, string) list(string)
        .findAll string_find_all_string_int (string, string, int) list(string)

        """

    private static let lists =
        """
        .slice list_slice (list(T), int, int) list(T)
        .flatten list_flatten (list(list(T))) list(T)
        .flatten list_flatten_int (list(dyn), int) list(dyn)
        lists.range lists_range (int) list(int)
        .reverse list_reverse (list(T)) list(T)
        .distinct list_distinct (list(T)) list(T)
        sets.contains list_sets_contains_list (list(T), list(T)) bool
        sets.equivalent list_sets_equivalent_list (list(T), list(T)) bool
        sets.intersects list_sets_intersects_list (list(T), list(T)) bool

        """
        + ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"].map {
            """
            .isSorted list_\($0)_is_sorted_bool (list(\($0))) bool
            .max list_\($0)_max_\($0) (list(\($0))) \($0)
            .min list_\($0)_min_\($0) (list(\($0))) \($0)

            """
        }.joined()
        + ["int", "uint", "double", "duration"].map { ".sum list_\($0)_sum_\($0) (list(\($0))) \($0)\n" }.joined()
        + ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"].map {
            let shown = ["duration": "google.protobuf.Duration", "timestamp": "google.protobuf.Timestamp"][$0] ?? $0
            return """
                .sort list_\(shown)_sort (list(\($0))) list(\($0))
                .@sortByAssociatedKeys list_\(shown)_sortByAssociatedKeys (list(T), list(\($0))) list(T)

                """
        }.joined()

    private static let kubernetes = """
        url string_to_url (string) kubernetes.URL
        .getScheme url_get_scheme (kubernetes.URL) string
        .getHost url_get_host (kubernetes.URL) string
        .getHostname url_get_hostname (kubernetes.URL) string
        .getPort url_get_port (kubernetes.URL) string
        .getEscapedPath url_get_escaped_path (kubernetes.URL) string
        .getQuery url_get_query (kubernetes.URL) map(string, list(string))
        isURL is_url_string (string) bool
        ip string_to_ip (string) net.IP
        .family ip_family (net.IP) int
        ip.isCanonical ip_is_canonical (string) bool
        .isUnspecified ip_is_unspecified (net.IP) bool
        .isLoopback ip_is_loopback (net.IP) bool
        .isLinkLocalMulticast ip_is_link_local_multicast (net.IP) bool
        .isLinkLocalUnicast ip_is_link_local_unicast (net.IP) bool
        .isGlobalUnicast ip_is_global_unicast (net.IP) bool
        isIP is_ip (string) bool
        string ip_to_string (net.IP) string
        cidr string_to_cidr (string) net.CIDR
        .containsIP cidr_contains_ip_string (net.CIDR, string) bool
        .containsIP cidr_contains_ip_ip (net.CIDR, net.IP) bool
        .containsCIDR cidr_contains_cidr_string (net.CIDR, string) bool
        .containsCIDR cidr_contains_cidr (net.CIDR, net.CIDR) bool
        .ip cidr_ip (net.CIDR) net.IP
        .prefixLength cidr_prefix_length (net.CIDR) int
        .masked cidr_masked (net.CIDR) net.CIDR
        isCIDR is_cidr (string) bool
        string cidr_to_string (net.CIDR) string
        quantity string_to_quantity (string) kubernetes.Quantity
        isQuantity is_quantity_string (string) bool
        sign quantity_sign (kubernetes.Quantity) int
        .isGreaterThan quantity_is_greater_than (kubernetes.Quantity, kubernetes.Quantity) bool
        .isLessThan quantity_is_less_than (kubernetes.Quantity, kubernetes.Quantity) bool
        .compareTo quantity_compare_to (kubernetes.Quantity, kubernetes.Quantity) int
        .asApproximateFloat quantity_get_float (kubernetes.Quantity) double
        .asInteger quantity_get_int (kubernetes.Quantity) int
        .isInteger quantity_is_integer (kubernetes.Quantity) bool
        .add quantity_add (kubernetes.Quantity, kubernetes.Quantity) kubernetes.Quantity
        .add quantity_add_int (kubernetes.Quantity, int) kubernetes.Quantity
        .sub quantity_sub (kubernetes.Quantity, kubernetes.Quantity) kubernetes.Quantity
        .sub quantity_sub_int (kubernetes.Quantity, int) kubernetes.Quantity
        semver string_to_semver (string) kubernetes.Semver
        semver string_bool_to_semver (string, bool) kubernetes.Semver
        isSemver is_semver_string (string) bool
        isSemver is_semver_string_bool (string, bool) bool
        .isGreaterThan semver_is_greater_than (kubernetes.Semver, kubernetes.Semver) bool
        .isLessThan semver_is_less_than (kubernetes.Semver, kubernetes.Semver) bool
        .compareTo semver_compare_to (kubernetes.Semver, kubernetes.Semver) int
        .major semver_major (kubernetes.Semver) int
        .minor semver_minor (kubernetes.Semver) int
        .patch semver_patch (kubernetes.Semver) int
        .validate format-validate (kubernetes.NamedFormat, string) optional(list(string))
        format.named format-named (string) optional(kubernetes.NamedFormat)
        .path authorizer_path (kubernetes.authorization.Authorizer, string) kubernetes.authorization.PathCheck
        .group authorizer_group (kubernetes.authorization.Authorizer, string) kubernetes.authorization.GroupCheck
        .serviceAccount authorizer_serviceaccount (kubernetes.authorization.Authorizer, string, string) \
        kubernetes.authorization.Authorizer
        .resource groupcheck_resource (kubernetes.authorization.GroupCheck, string) \
        kubernetes.authorization.ResourceCheck
        .subresource resourcecheck_subresource (kubernetes.authorization.ResourceCheck, string) \
        kubernetes.authorization.ResourceCheck
        .namespace resourcecheck_namespace (kubernetes.authorization.ResourceCheck, string) \
        kubernetes.authorization.ResourceCheck
        .name resourcecheck_name (kubernetes.authorization.ResourceCheck, string) \
        kubernetes.authorization.ResourceCheck
        .fieldSelector authorizer_fieldselector (kubernetes.authorization.ResourceCheck, string) \
        kubernetes.authorization.ResourceCheck
        .labelSelector authorizer_labelselector (kubernetes.authorization.ResourceCheck, string) \
        kubernetes.authorization.ResourceCheck
        .check pathcheck_check (kubernetes.authorization.PathCheck, string) kubernetes.authorization.Decision
        .check resourcecheck_check (kubernetes.authorization.ResourceCheck, string) kubernetes.authorization.Decision
        .errored decision_errored (kubernetes.authorization.Decision) bool
        .error decision_error (kubernetes.authorization.Decision) string
        .allowed decision_allowed (kubernetes.authorization.Decision) bool
        .reason decision_reason (kubernetes.authorization.Decision) string
        jsonpatch.escapeKey string_jsonpatch_escapeKey_string (string) string

        """
}
