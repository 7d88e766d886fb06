// A tool that is made with ims-lti, as a server.
const http = require("node:http");
const { createRequire } = require("node:module");
const [folder, key, secret] = process.argv.slice(2);
const lti = createRequire(folder + "/")("ims-lti");

function launch(request, body, done) {
  const sent = Object.fromEntries(new URLSearchParams(body));
  const tool = new lti.Provider(key, secret);
  request.protocol = "http";
  request.body = sent;
  tool.valid_request(request, sent, (error, valid) =>
    done({ valid, user: tool.userId ?? null, chapter: sent.custom_chapter ?? null }));
}

function grade(request, body, done) {
  const { url, sourcedid, operation, score } = JSON.parse(body);
  const service = new lti.Extensions.Outcomes.OutcomeService({
    consumer_key: key, consumer_secret: secret, service_url: url, source_did: sourcedid });
  const answered = (error, result) => done(
    { success: !error, score: operation === "read" && !error ? result : null, error: error ? String(error.message) : null });
  if (operation === "replace") service.send_replace_result(score, answered);
  else if (operation === "read") service.send_read_result(answered);
  else service.send_delete_result(answered);
}

const server = http.createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk) => { body += chunk; });
  request.on("end", () => (request.url.startsWith("/launch") ? launch : grade)(request, body, (answer) => {
    response.end(JSON.stringify(answer));
  }));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
