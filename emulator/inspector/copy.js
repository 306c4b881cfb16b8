// A recorded request as a command, and as a program. Neither holds a credential: they read the variables that "Connect" sets.

// The header with the credentials of a service, as a shell and as Go write it.
const credentials = {
  smooven: ["Bearer ", "PLAYLINE_SMOOVEN_KEY"],
  fyno: ["Bearer ", "PLAYLINE_FYNO_KEY"],
  smartsender: ["Bearer ", "PLAYLINE_SMARTSENDER_TOKEN"],
};

const address = (full) => {
  const query = new URLSearchParams(full.query.map(({ name, value }) => [name, value])).toString();
  return location.origin + full.path + (query ? `?${query}` : "");
};

// What a quote could end is escaped, so that a player's id can stand in a command.
const tokenAddress = (full) => `${location.origin}/_inspector/token?user=${encodeURIComponent(full.user).replaceAll("'", "%27")}`;

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** asCurl writes a request as a command for a shell. */
export function asCurl(full) {
  const lines = [`curl -X ${full.method} ${quoted(address(full))}`];
  const known = credentials[full.service];
  if (known) lines.push(`-H "Authorization: ${known[0]}$${known[1]}"`);
  else if (full.service === "sunshine") lines.push('-u "$PLAYLINE_SUNSHINE_KEY_ID:$PLAYLINE_SUNSHINE_SECRET"');
  else if (full.user) lines.push(`-H "Authorization: Bearer $(curl -s ${quoted(tokenAddress(full))})"`);
  if (full.body) lines.push("-H 'Content-Type: application/json'", `--data-raw ${quoted(full.body)}`);
  return lines.join(" \\\n  ") + "\n";
}

/** asGo writes a request as a program. */
export function asGo(full) {
  const text = JSON.stringify; // Go reads the same escapes
  const known = credentials[full.service];
  const imports = ["fmt", "io", "net/http"];
  let auth = "";
  if (known) auth = `\trequest.Header.Set("Authorization", ${text(known[0])}+os.Getenv(${text(known[1])}))\n`;
  else if (full.service === "sunshine") auth = '\trequest.SetBasicAuth(os.Getenv("PLAYLINE_SUNSHINE_KEY_ID"), os.Getenv("PLAYLINE_SUNSHINE_SECRET"))\n';
  else if (full.user) {
    auth = `\ttoken, err := http.Get(${text(tokenAddress(full))})
\tif err != nil {
\t\tpanic(err)
\t}
\tdefer token.Body.Close()
\tbearer, err := io.ReadAll(token.Body)
\tif err != nil {
\t\tpanic(err)
\t}
\trequest.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(bearer)))
`;
  }
  if (auth.includes("os.")) imports.push("os");
  if (full.body || auth.includes("strings.")) imports.push("strings");
  const body = full.body ? `strings.NewReader(${text(full.body)})` : "nil";
  const methods = full.methods.map((method) => `client.${method}`).join(" or ");
  return `package main

import (
${imports.map((name) => `\t"${name}"\n`).join("")})
${methods ? `\n// With package playline it is ${methods}.\n` : "\n"}func main() {
\trequest, err := http.NewRequest(${text(full.method)}, ${text(address(full))}, ${body})
\tif err != nil {
\t\tpanic(err)
\t}
${full.body ? '\trequest.Header.Set("Content-Type", "application/json")\n' : ""}${auth}\tresponse, err := http.DefaultClient.Do(request)
\tif err != nil {
\t\tpanic(err)
\t}
\tdefer response.Body.Close()
\tanswer, err := io.ReadAll(response.Body)
\tif err != nil {
\t\tpanic(err)
\t}
\tfmt.Println(response.Status, string(answer))
}
`;
}
