/* Run the test vectors of RFC 5849 in C:
 *
 *     cc -std=c11 -o build/vectors example/vectors/run.c && build/vectors tests/vectors.json
 *
 * The program needs only the C standard library. It runs the vectors for percent-encoding, the base string URI, the
 * parameters and the base string, and the signatures with HMAC-SHA1 and PLAINTEXT. It counts the other vectors. Replace
 * the functions of the sections "OAuth" with calls of your own library. The program prints the vectors that fail. Its
 * exit code is 1 if a vector fails.
 */

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- memory and text: nothing is freed, because the program ends soon ------------------ */

typedef struct {
    unsigned char *at;
    size_t size;
} Text;

static void die(const char *why) {
    fprintf(stderr, "Error: %s\n", why);
    exit(2);
}

static void *memory(size_t size) {
    void *made = calloc(1, size ? size : 1);
    if (!made) die("There is no memory left.");
    return made;
}

static Text text(const void *at, size_t size) {
    Text made = {memory(size + 1), size};
    if (size) memcpy(made.at, at, size);
    return made;
}

static Text literal(const char *at) { return text(at, strlen(at)); }

static Text joined(Text a, const char *between, Text b) {
    size_t middle = strlen(between);
    Text made = {memory(a.size + middle + b.size + 1), a.size + middle + b.size};
    memcpy(made.at, a.at, a.size);
    memcpy(made.at + a.size, between, middle);
    memcpy(made.at + a.size + middle, b.at, b.size);
    return made;
}

static int compare(Text a, Text b) {
    int found = memcmp(a.at, b.at, a.size < b.size ? a.size : b.size);
    return found ? found : (a.size > b.size) - (a.size < b.size);
}

static int is(Text a, const char *b) { return a.size == strlen(b) && memcmp(a.at, b, a.size) == 0; }

/* --- JSON: objects and arrays are lists of nodes --------------------------------------- */

typedef struct Node {
    char kind; /* '{': object, '[': array, 's': text, 't': true, 'f': false */
    Text name, text;
    struct Node *first, *next;
} Node;

static const unsigned char *json;

static void skip(void) {
    while (isspace(*json) || *json == ',' || *json == ':') json++;
}

static unsigned hex4(void) {
    unsigned code = 0;
    for (int i = 0; i < 4; i++, json++) code = code * 16 + (isdigit(*json) ? *json - '0' : (*json | 32) - 'a' + 10);
    return code;
}

static Text json_text(void) {
    Text made = {memory(strlen((const char *)json) + 1), 0};
    for (json++; *json != '"'; ) {
        if (!*json) die("The JSON ends in a text.");
        if (*json != '\\') {
            made.at[made.size++] = *json++;
            continue;
        }
        unsigned code = *++json;
        json++;
        const char *found = strchr("n\nt\tr\rb\bf\f", (int)code);
        if (found && code != 'u' && isalpha(code)) code = (unsigned char)found[1];
        if (json[-1] == 'u') {
            code = hex4();
            if (code >= 0xD800 && code < 0xDC00) {
                json += 2;
                code = 0x10000 + ((code - 0xD800) << 10) + (hex4() - 0xDC00);
            }
        }
        unsigned char *to = made.at + made.size;
        if (code < 0x80) {
            to[0] = code, made.size += 1;
        } else if (code < 0x800) {
            to[0] = 0xC0 | code >> 6, to[1] = 0x80 | (code & 63), made.size += 2;
        } else if (code < 0x10000) {
            to[0] = 0xE0 | code >> 12, to[1] = 0x80 | (code >> 6 & 63), to[2] = 0x80 | (code & 63), made.size += 3;
        } else {
            to[0] = 0xF0 | code >> 18, to[1] = 0x80 | (code >> 12 & 63);
            to[2] = 0x80 | (code >> 6 & 63), to[3] = 0x80 | (code & 63), made.size += 4;
        }
    }
    json++;
    return text(made.at, made.size);
}

static Node *json_value(void) {
    Node *made = memory(sizeof *made), **last = &made->first;
    skip();
    made->kind = (char)*json;
    if (*json == '"') {
        made->kind = 's';
        made->text = json_text();
    } else if (*json == '{' || *json == '[') {
        char end = *json == '{' ? '}' : ']';
        for (json++, skip(); *json != end; skip()) {
            Text name = {0};
            if (end == '}') name = json_text();
            *last = json_value();
            (*last)->name = name;
            last = &(*last)->next;
        }
        json++;
    } else if (isalnum(*json) || *json == '-') {
        while (isalnum(*json) || *json == '-' || *json == '.') json++;
    } else {
        die("The JSON is malformed.");
    }
    return made;
}

static Node *member(Node *of, const char *name) {
    for (Node *each = of->first; each; each = each->next)
        if (is(each->name, name)) return each;
    return NULL;
}

static Text member_text(Node *of, const char *name, const char *otherwise) {
    Node *found = member(of, name);
    return found ? found->text : literal(otherwise);
}

/* --- OAuth: section 3.6, percent-encoding ---------------------------------------------- */

static Text encode(Text given) {
    Text made = {memory(given.size * 3 + 1), 0};
    for (size_t i = 0; i < given.size; i++) {
        unsigned char c = given.at[i];
        if ((c < 128 && isalnum(c)) || (c && strchr("-._~", c)))
            made.at[made.size++] = c;
        else
            made.size += (size_t)sprintf((char *)made.at + made.size, "%%%02X", c);
    }
    return made;
}

static int digit(unsigned char c) { return isdigit(c) ? c - '0' : (c | 32) - 'a' + 10; }

static Text decode(Text given, int is_form) {
    Text made = {memory(given.size + 1), 0};
    for (size_t i = 0; i < given.size; i++) {
        unsigned char c = given.at[i];
        if (c == '%' && i + 2 < given.size && isxdigit(given.at[i + 1]) && isxdigit(given.at[i + 2])) {
            c = (unsigned char)(digit(given.at[i + 1]) * 16 + digit(given.at[i + 2]));
            i += 2;
        } else if (c == '+' && is_form) {
            c = ' ';
        }
        made.at[made.size++] = c;
    }
    return made;
}

/* --- OAuth: section 3.4.1, the signature base string ------------------------------------ */

typedef struct {
    Text name, value;
} Pair;

static Pair pairs[256]; /* encoded */
static size_t count;

static void add(Text name, Text value) {
    if (is(name, "oauth_signature")) return;
    if (count == sizeof pairs / sizeof *pairs) die("There are too many parameters.");
    pairs[count++] = (Pair){encode(name), encode(value)};
}

static void add_form(Text form) {
    for (size_t from = 0; from < form.size;) {
        size_t end = from, equals;
        while (end < form.size && form.at[end] != '&') end++;
        for (equals = from; equals < end && form.at[equals] != '=';) equals++;
        if (end > from) {
            size_t value = equals < end ? equals + 1 : end;
            add(decode(text(form.at + from, equals - from), 1), decode(text(form.at + value, end - value), 1));
        }
        from = end + 1;
    }
}

static int by_name_then_value(const void *a, const void *b) {
    const Pair *one = a, *other = b;
    int found = compare(one->name, other->name);
    return found ? found : compare(one->value, other->value);
}

static Text normalized(void) {
    Text made = literal("");
    qsort(pairs, count, sizeof *pairs, by_name_then_value);
    for (size_t i = 0; i < count; i++)
        made = joined(made, i ? "&" : "", joined(pairs[i].name, "=", pairs[i].value));
    return made;
}

static Text query_of(Text url) {
    size_t end = 0, from;
    while (end < url.size && url.at[end] != '#') end++;
    for (from = 0; from < end && url.at[from] != '?';) from++;
    return from < end ? text(url.at + from + 1, end - from - 1) : literal("");
}

/* Return the base string URI, or an empty text if the URL has no scheme or no host. */
static Text base_uri(Text url, Node *host) {
    const char *whole = (const char *)url.at, *start = strstr(whole, "://");
    if (!start) return literal("");
    Text scheme = text(whole, (size_t)(start - whole));
    start += 3;
    size_t size = strcspn(start, "/?#");
    Text authority = text(start, size), path = text(start + size, strcspn(start + size, "?#"));
    if (host) authority = host->text;
    for (size_t i = 0; i < authority.size; i++)
        if (authority.at[i] == '@') authority = text(authority.at + i + 1, authority.size - i - 1), i = 0;
    for (size_t i = 0; i < scheme.size; i++) scheme.at[i] = (unsigned char)tolower(scheme.at[i]);
    authority = text(authority.at, authority.size);
    for (size_t i = 0; i < authority.size; i++) authority.at[i] = (unsigned char)tolower(authority.at[i]);
    const char *port = is(scheme, "http") ? ":80" : ":443";
    size_t length = strlen(port);
    if (authority.size >= length && memcmp(authority.at + authority.size - length, port, length) == 0)
        authority = text(authority.at, authority.size - length);
    if (!authority.size || authority.at[0] == ':') return literal("");
    Text sent = {memory(path.size * 3 + 2), 0};
    if (!path.size) sent.at[sent.size++] = '/';
    for (size_t i = 0; i < path.size; i++) {
        unsigned char c = path.at[i];
        if (c > 32 && c < 127 && !strchr("\"<>\\^`{|}", c))
            sent.at[sent.size++] = c;
        else
            sent.size += (size_t)sprintf((char *)sent.at + sent.size, "%%%02X", c);
    }
    return joined(joined(scheme, "://", authority), "", sent);
}

/* Add the parameters of a vector, except the parameters in the query of its URL. */
static void add_inputs(Node *inputs) {
    static const char *protocol[] = {"consumer_key", "token", "signature_method", "timestamp", "nonce", "version"};
    Node *params = member(inputs, "params");
    for (Node *each = params ? params->first : NULL; each; each = each->next)
        add(each->first->text, each->first->next->text);
    for (size_t i = 0; i < sizeof protocol / sizeof *protocol; i++) {
        char sent[40];
        snprintf(sent, sizeof sent, "send_%s", protocol[i]);
        Node *value = member(inputs, protocol[i]), *is_sent = member(inputs, sent);
        if (value && !(is_sent && is_sent->kind == 'f')) add(joined(literal("oauth_"), "", literal(protocol[i])), value->text);
    }
    Text type = member_text(inputs, "content_type", "application/x-www-form-urlencoded");
    size_t size = strcspn((char *)type.at, ";");
    while (size && type.at[size - 1] == ' ') size--;
    if (size == 33 && !strncasecmp((char *)type.at, "application/x-www-form-urlencoded", size))
        add_form(member_text(inputs, "form_body", ""));
}

static Text base_string(Node *inputs) {
    Text url = member_text(inputs, "url", ""), method = text(member(inputs, "method")->text.at, member(inputs, "method")->text.size);
    for (size_t i = 0; i < method.size; i++) method.at[i] = (unsigned char)toupper(method.at[i]);
    add_form(query_of(url));
    add_inputs(inputs);
    return joined(joined(encode(method), "&", encode(base_uri(url, NULL))), "&", encode(normalized()));
}

/* --- OAuth: section 3.4.2, HMAC-SHA1 ---------------------------------------------------- */

static uint32_t rotated(uint32_t x, int by) { return x << by | x >> (32 - by); }

static Text sha1(Text given) {
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    size_t padded = (given.size + 8) / 64 * 64 + 64;
    Text all = {memory(padded), padded};
    memcpy(all.at, given.at, given.size);
    all.at[given.size] = 0x80;
    for (int i = 0; i < 8; i++) all.at[padded - 1 - (size_t)i] = (unsigned char)((uint64_t)given.size * 8 >> 8 * i);
    for (size_t block = 0; block < padded; block += 64) {
        uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 16; i++) {
            const unsigned char *at = all.at + block + 4 * (size_t)i;
            w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        }
        for (int i = 16; i < 80; i++) w[i] = rotated(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        for (int i = 0; i < 80; i++) {
            uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 || i > 59 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
            uint32_t k = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
            uint32_t next = rotated(a, 5) + f + e + k + w[i];
            e = d, d = c, c = rotated(b, 30), b = a, a = next;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    Text made = {memory(21), 20};
    for (size_t i = 0; i < 20; i++) made.at[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
    return made;
}

static Text hmac_sha1(Text key, Text message) {
    Text inner = {memory(64), 64}, outer = {memory(64), 64};
    if (key.size > 64) key = sha1(key);
    memcpy(inner.at, key.at, key.size);
    memcpy(outer.at, key.at, key.size);
    for (int i = 0; i < 64; i++) inner.at[i] ^= 0x36, outer.at[i] ^= 0x5C;
    return sha1(joined(outer, "", sha1(joined(inner, "", message))));
}

static Text base64(Text given) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    Text made = {memory(given.size * 2 + 4), 0};
    for (size_t i = 0; i < given.size; i += 3) {
        uint32_t three = (uint32_t)given.at[i] << 16;
        if (i + 1 < given.size) three |= (uint32_t)given.at[i + 1] << 8;
        if (i + 2 < given.size) three |= given.at[i + 2];
        for (int j = 0; j < 4; j++)
            made.at[made.size++] = i + (size_t)j > given.size ? '=' : (unsigned char)letters[three >> (18 - 6 * j) & 63];
    }
    return made;
}

/* --- the vectors ------------------------------------------------------------------------ */

/* Return whether the result is right. If the vector is not verified, its published result is wrong and must differ. */
static int agrees(Node *vector, const char *name, Text made) {
    Node *found = member(member(vector, "expected"), name);
    int same = found ? compare(found->text, made) == 0 : member(member(vector, "expected"), "error") && !made.size;
    return same == (member(vector, "verified")->kind == 't');
}

/* Return 1 if a vector passes, 0 if it fails, and -1 if this program does not know its kind. */
static int run(Node *vector) {
    Node *inputs = member(vector, "inputs");
    Text kind = member(vector, "kind")->text;
    count = 0;
    if (member(inputs, "authorization")) return -1;
    if (is(kind, "percent-encode")) {
        if (member(inputs, "text_hex")) return -1;
        return agrees(vector, "encoded", encode(member(inputs, "text")->text));
    }
    if (is(kind, "base-uri")) return agrees(vector, "base_uri", base_uri(member(inputs, "url")->text, member(inputs, "host_header")));
    if (is(kind, "normalized-params")) {
        add_form(member_text(inputs, "query", ""));
        add_inputs(inputs);
        return agrees(vector, "normalized", normalized());
    }
    if (is(kind, "base-string")) return agrees(vector, "base_string", base_string(inputs));
    if (!is(kind, "signature")) return -1;
    Text method = member_text(inputs, "signature_method", "HMAC-SHA1");
    Text key = joined(encode(member_text(inputs, "consumer_secret", "")), "&", encode(member_text(inputs, "token_secret", "")));
    if (is(method, "PLAINTEXT")) return agrees(vector, "signature", key);
    if (!is(method, "HMAC-SHA1")) return -1;
    Text base = member(inputs, "base_string") ? member(inputs, "base_string")->text : base_string(inputs);
    return agrees(vector, "signature", base64(hmac_sha1(key, base)));
}

int main(int argc, char **argv) {
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!file) die("Give the file of the vectors.");
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    unsigned char *content = memory((size_t)size + 1);
    if (fread(content, 1, (size_t)size, file) != (size_t)size) die("The file cannot be read.");
    fclose(file);
    json = content;
    int passed = 0, failed = 0, unknown = 0;
    for (Node *vector = json_value()->first; vector; vector = vector->next) {
        int result = run(vector);
        passed += result == 1, failed += result == 0, unknown += result == -1;
        if (result == 0) printf("failed: %s\n", (char *)member(vector, "id")->text.at);
    }
    printf("%d of %d vectors pass; %d are of another kind.\n", passed, passed + failed, unknown);
    return failed ? 1 : 0;
}
