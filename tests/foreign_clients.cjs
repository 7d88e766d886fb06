// Sends requests with OAuth clients of other authors. Their paths say what they are: see test_doctor_foreign.py.
// Arguments: the origin of the server, the key and secret of the consumer, and those of the token.
const http = require("http");
const { createHmac, randomBytes } = require("crypto");
const OAuth = require("oauth-1.0a");
const nodeOauth = require("oauth");
const oauthSignature = require("oauth-signature");
const superagent = require("superagent");
require("superagent-oauth")(superagent);

http.globalAgent = new http.Agent({ keepAlive: false });

const [origin, key, secret, token, tokenSecret] = process.argv.slice(2);

function send(method, url, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers }, (response) => response.resume().on("end", resolve));
    request.on("error", reject).end(body);
  });
}

function node(method = "HMAC-SHA1") {
  return new nodeOauth.OAuth(null, null, key, secret, "1.0", null, method);
}

function nodeGet(path, method) {
  return new Promise((resolve, reject) =>
    node(method).get(origin + path, token, tokenSecret, (error) => (error ? reject(error) : resolve())),
  );
}

function nodePost(path, body) {
  return new Promise((resolve, reject) =>
    node().post(origin + path, token, tokenSecret, body, undefined, (error) => (error ? reject(error) : resolve())),
  );
}

function oauth10a(hash) {
  return OAuth({
    consumer: { key, secret },
    signature_method: "HMAC-SHA1",
    hash_function: (text, secrets) => createHmac(hash, secrets).update(text).digest("base64"),
  });
}

async function oauth10aSend(method, path, hash = "sha1", data = undefined) {
  const oauth = oauth10a(hash);
  const url = origin + path;
  const signed = oauth.authorize({ url, method, data }, { key: token, secret: tokenSecret });
  const headers = data ? { "Content-Type": "application/json" } : {};
  await send(method, url, { ...oauth.toHeader(signed), ...headers }, data && JSON.stringify(data));
}

async function oauthSignatureGet(path, method) {
  const parameters = {
    oauth_consumer_key: key,
    oauth_nonce: randomBytes(8).toString("hex"),
    oauth_signature_method: method,
    oauth_timestamp: String(Math.floor(Date.now() / 1000)),
    oauth_token: token,
  };
  const signature = oauthSignature.generate("GET", origin + path, { ...parameters, page: "2" }, secret, tokenSecret);
  const header = Object.entries(parameters).map(([name, value]) => `${name}="${encodeURIComponent(value)}"`);
  await send("GET", `${origin}${path}?page=2`, {
    Authorization: `OAuth ${header.join(", ")}, oauth_signature="${signature}"`,
  });
}

function superagentPost(path, type, query = {}) {
  return new Promise((resolve, reject) => {
    const request = superagent.post(origin + path).type(type).query(query).send({ title: "Sea", place: "beach" });
    request.sign(node(), token, tokenSecret).end((error) => (error ? reject(error) : resolve()));
  });
}

async function main() {
  await nodeGet("/node-oauth/right?page=2");
  await nodeGet("/node-oauth/repeated?tag=sea&tag=sun");
  await nodePost("/node-oauth/form", { title: "Sea!", place: "beach" });
  await nodeGet("/node-oauth/plaintext?page=2", "PLAINTEXT");
  await oauth10aSend("GET", "/oauth-1.0a/right?page=2&tag=sea&tag=sun");
  await oauth10aSend("GET", "/oauth-1.0a/plus?q=red+car");
  await oauth10aSend("GET", "/oauth-1.0a/hash?page=2", "sha256");
  await oauth10aSend("POST", "/oauth-1.0a/json", "sha1", { title: "Sea", place: "beach" });
  await oauthSignatureGet("/oauth-signature/right", "HMAC-SHA1");
  await oauthSignatureGet("/oauth-signature/hash", "HMAC-SHA256");
  await superagentPost("/superagent-oauth/json", "json");
  await superagentPost("/superagent-oauth/form", "form");
  await superagentPost("/superagent-oauth/query", "form", { page: "2" });
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
