// Run the test vectors of RFC 5849 in JavaScript: node example/vectors/run.mjs tests/vectors.json
//
// The functions below are a small implementation, which only needs Node.js. Replace them with calls of your own library.
// The program prints the vectors that fail. Its exit code is 1 if a vector fails.

import { createHash, createHmac, createSign } from "node:crypto";
import { readFileSync } from "node:fs";

const FORM = "application/x-www-form-urlencoded";
const PROTOCOL = ["consumer_key", "token", "signature_method", "timestamp", "nonce", "version"];

// --- section 3.6 --------------------------------------------------------------------

// Octets are represented as text with one character for each octet ("latin1"), because not all octets are UTF-8.
const octets = (text) => Buffer.from(text, "utf8").toString("latin1");

const encodeOctets = (text) =>
  text.replace(/[^A-Za-z0-9\-._~]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0"));

const encode = (text) => encodeOctets(octets(text));

const decode = (text) => octets(text).replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));

// --- section 3.4.1 ------------------------------------------------------------------

function baseUri(url, host) {
  const found = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)/i.exec(url);
  if (!found || /^(.*@)?(:\d*)?$/.test(host ?? found[2])) throw new Error("no scheme or no host");
  const scheme = found[1].toLowerCase();
  let authority = (host ?? found[2].split("@").pop()).toLowerCase();
  const port = { http: ":80", https: ":443" }[scheme];
  if (authority.endsWith(port)) authority = authority.slice(0, -port.length);
  authority = authority.replace(/:$/, "");
  const path = octets(found[3] || "/").replace(/[^\x21-\x7e]|["<>\\^`{|}]/g, (c) => encodeOctets(c));
  return `${scheme}://${authority}${path}`;
}

function formPairs(text) {
  const pairs = text.split("&").filter((part) => part !== "");
  return pairs.map((part) => {
    const at = part.indexOf("=");
    const halves = at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
    return halves.map((half) => decode(half.replaceAll("+", " ")));
  });
}

function normalize(pairs) {
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return pairs
    .filter(([name]) => name !== "oauth_signature")
    .map((pair) => pair.map(encodeOctets))
    .sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]))
    .map((pair) => pair.join("="))
    .join("&");
}

function query(url) {
  return /^[^?#]*\??([^#]*)/.exec(url)[1];
}

function baseString(method, url, pairs) {
  const all = [...formPairs(query(url)), ...pairs];
  return [method.toUpperCase(), baseUri(url), normalize(all)].map((part) => encode(part)).join("&");
}

// --- section 3.5.1 ------------------------------------------------------------------

function parseHeader(header) {
  const scheme = /^OAuth(?:[ \t\r\n]+|$)/i.exec(header);
  if (!scheme) throw new Error("another scheme");
  const pairs = [];
  const pattern = /[ \t\r\n,]*([^\s=,]+)[ \t\r\n]*=[ \t\r\n]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))[ \t\r\n]*(?=,|$)/y;
  let rest = header.slice(scheme[0].length);
  pattern.lastIndex = 0;
  let end = 0;
  for (let found; (found = pattern.exec(rest)); end = pattern.lastIndex) {
    const value = found[2] === undefined ? found[3] : found[2].replace(/\\(.)/g, "$1");
    pairs.push([decode(found[1]), found[1].toLowerCase() === "realm" ? octets(value) : decode(value)]);
  }
  if (rest.slice(end).replace(/[ \t\r\n,]/g, "") !== "") throw new Error("malformed");
  return pairs;
}

// --- section 3.4.2 to 3.4.4 ---------------------------------------------------------

function signature(method, key, base, privateKey) {
  const [family, hash] = method.split("-");
  if (family === "PLAINTEXT") return key;
  if (family === "HMAC") return createHmac(hash, key).update(base, "utf8").digest("base64");
  return createSign(`RSA-${hash}`).update(base, "utf8").sign(privateKey, "base64");
}

// --- the vectors --------------------------------------------------------------------

function pairsOf(inputs) {
  const pairs = (inputs.params ?? []).map((pair) => pair.map(octets));
  for (const name of PROTOCOL) {
    if (name in inputs && (inputs[`send_${name}`] ?? true)) pairs.push([`oauth_${name}`, octets(inputs[name])]);
  }
  if ("authorization" in inputs) pairs.push(...parseHeader(inputs.authorization).filter(([name]) => name !== "realm"));
  const type = (inputs.content_type ?? FORM).split(";")[0].trim().toLowerCase();
  if ("form_body" in inputs && type === FORM) pairs.push(...formPairs(inputs.form_body));
  return pairs;
}

const utf8 = (text) => Buffer.from(text, "latin1").toString("utf8");

const RUN = {
  "percent-encode": (inputs) => ({
    encoded: "text" in inputs ? encode(inputs.text) : encodeOctets(Buffer.from(inputs.text_hex, "hex").toString("latin1")),
  }),
  "base-uri": (inputs) => ({ base_uri: baseUri(inputs.url, inputs.host_header) }),
  "normalized-params": (inputs) => ({ normalized: normalize([...formPairs(inputs.query ?? ""), ...pairsOf(inputs)]) }),
  "base-string": (inputs) => ({ base_string: baseString(inputs.method, inputs.url, pairsOf(inputs)) }),
  "header-parse": (inputs) => {
    const pairs = parseHeader(inputs.header).map((pair) => pair.map(utf8));
    const realm = pairs.find(([name]) => name === "realm");
    return { params: pairs.filter(([name]) => name !== "realm"), ...(realm ? { realm: realm[1] } : {}) };
  },
  "header-build": (inputs) => {
    const realm = inputs.realm === undefined || inputs.realm === null ? [] : [`realm="${inputs.realm}"`];
    const parts = inputs.params.map(([name, value]) => `${encode(name)}="${encode(value)}"`);
    return { header: `OAuth ${[...realm, ...parts].join(inputs.sep)}` };
  },
  "body-hash": (inputs) => ({
    body_hash: createHash(inputs.hash.replace("-", "")).update(inputs.body, "utf8").digest("base64"),
  }),
  signature: (inputs) => {
    const key = `${encode(inputs.consumer_secret ?? "")}&${encode(inputs.token_secret ?? "")}`;
    const base = inputs.base_string ?? ("url" in inputs ? baseString(inputs.method, inputs.url, pairsOf(inputs)) : "");
    const made = { key, signature: signature(inputs.signature_method ?? "HMAC-SHA1", key, base, inputs.rsa_private_key) };
    if (!("url" in inputs)) return made;
    return { ...made, base_string: base, normalized: normalize([...formPairs(query(inputs.url)), ...pairsOf(inputs)]) };
  },
};

function agrees(vector) {
  let made;
  try {
    made = RUN[vector.kind](vector.inputs);
  } catch (error) {
    return vector.expected.error === true;
  }
  // If a vector is not verified, its published result is wrong, and the implementation must compute another result.
  const names = Object.keys(vector.expected).filter((name) => name !== "error" && name !== "decoded");
  const same = names.every((name) => JSON.stringify(made[name] ?? null) === JSON.stringify(vector.expected[name]));
  return vector.expected.error !== true && same === vector.verified;
}

const vectors = JSON.parse(readFileSync(process.argv[2], "utf8"));
const failed = vectors.filter((vector) => !agrees(vector));
for (const { id, kind } of failed) console.log(`failed: ${id} (${kind})`);
console.log(`${vectors.length - failed.length} of ${vectors.length} vectors pass.`);
process.exitCode = failed.length ? 1 : 0;
