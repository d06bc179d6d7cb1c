import { field, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';

/** What a request asks the decider, or why it cannot be asked. */
type Asked =
  | {
      readonly ok: true;
      readonly action: 'call' | 'read';
      readonly target: string;
      readonly value: JsonValue;
      /** The client wants a task: the first response is its handle, not the outcome. */
      readonly asTask: boolean;
    }
  | { readonly ok: false; readonly reason: string };

export type Route =
  /** No action of the agent: forwarded as it is. */
  | { readonly kind: 'pass' }
  /** Forwarded; what may never be called is taken out of the response. */
  | { readonly kind: 'list-tools' }
  /** Fetches the outcome of a call decided earlier. */
  | { readonly kind: 'task-result' }
  /** Decided first. */
  | { readonly kind: 'decide'; readonly ask: (params: JsonObject, prefix: string) => Asked };

const PASS: Route = { kind: 'pass' };

// Everything a client may send (MCP 2025-11-25). What is not here is not forwarded: a method invented later,
// or by one server alone, might act.
const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['tools/call', { kind: 'decide', ask: askCall }],
  ['resources/read', { kind: 'decide', ask: askResource }],
  ['resources/subscribe', { kind: 'decide', ask: askResource }],
  ['prompts/get', { kind: 'decide', ask: askPrompt }],
  ['completion/complete', { kind: 'decide', ask: askCompletion }],
  ['tools/list', { kind: 'list-tools' }],
  ['tasks/result', { kind: 'task-result' }],
  ['initialize', PASS],
  ['ping', PASS],
  ['resources/list', PASS],
  ['resources/templates/list', PASS],
  ['resources/unsubscribe', PASS],
  ['prompts/list', PASS],
  ['logging/setLevel', PASS],
  ['tasks/get', PASS],
  ['tasks/list', PASS],
  ['tasks/cancel', PASS],
]);

const NOTIFICATIONS: ReadonlySet<string> = new Set([
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
  'notifications/tasks/status', // of tasks that the client runs for the server (sampling, elicitation)
]);

/**
 * What a server may ask the client for that comes from the model or the person there: relayed only during a call that
 * was allowed, and the answer is decided like a call of a tool of this name.
 */
export const CLIENT_ANSWERS: ReadonlySet<string> = new Set(['sampling/createMessage', 'elicitation/create']);

// Everything else that a server may ask (MCP 2025-11-25). Tasks are those that the client runs for the server.
const SERVER_METHODS: ReadonlySet<string> = new Set([
  ...CLIENT_ANSWERS,
  'ping',
  'roots/list',
  'tasks/get',
  'tasks/result',
  'tasks/list',
  'tasks/cancel',
]);

export function isKnownServerRequest(method: string): boolean {
  return SERVER_METHODS.has(method);
}

export function routeOf(method: string): Route | undefined {
  return ROUTES.get(method);
}

export function isKnownNotification(method: string): boolean {
  return NOTIFICATIONS.has(method);
}

/**
 * The task that a tasks/result asks for; undefined where it names none, or names it in a way that others read
 * apart.
 */
export function taskIdOf(params: JsonObject): string | undefined {
  const taskId = field(params, 'taskId');
  return typeof taskId === 'string' && lookAlike(params, ['taskId', '_meta']) === undefined
    ? taskId
    : undefined;
}

const PROMPT = 'mcp-prompt:';
const COMPLETION = 'mcp-completion:';

function askCall(params: JsonObject, prefix: string): Asked {
  const problem = lookAlike(params, ['name', 'arguments', 'task', '_meta']);
  if (problem !== undefined) return problem;
  const name = field(params, 'name');
  if (typeof name !== 'string' || name === '') return refused('expected `params.name` to name a tool');
  const target = `${prefix}${name}`;
  // The policy knows the client's answers to the server by these: no tool may pass for one.
  if (CLIENT_ANSWERS.has(target))
    return refused('expected another tool; this name is reserved by the fabric');
  const value = field(params, 'arguments') ?? {};
  // null would be decided as {} and forwarded as null.
  if (!isJsonObject(value) || field(params, 'arguments') === null) {
    return refused('expected `params.arguments` to be an object');
  }
  const task = field(params, 'task');
  if (task !== undefined && !isJsonObject(task)) return refused('expected `params.task` to be an object');
  return { ok: true, action: 'call', target, value, asTask: task !== undefined };
}

function askResource(params: JsonObject): Asked {
  const problem = lookAlike(params, ['uri', '_meta']);
  if (problem !== undefined) return problem;
  const uri = field(params, 'uri');
  if (typeof uri !== 'string' || uri === '') return refused('expected `params.uri` to be a URI');
  // These schemes name prompts and completions to the policy: a server's resource must not pass for one.
  const scheme = fold(uri);
  if (scheme.startsWith(PROMPT) || scheme.startsWith(COMPLETION)) {
    return refused('expected a `params.uri` of another scheme; this one is reserved by the fabric');
  }
  return read(uri, params);
}

function askPrompt(params: JsonObject, prefix: string): Asked {
  const problem = lookAlike(params, ['name', 'arguments', '_meta']);
  if (problem !== undefined) return problem;
  const name = field(params, 'name');
  if (typeof name !== 'string' || name === '') return refused('expected `params.name` to name a prompt');
  return read(`${PROMPT}${prefix}${name}`, params);
}

function askCompletion(params: JsonObject, prefix: string): Asked {
  const ref = field(params, 'ref');
  if (!isJsonObject(ref)) return refused('expected `params.ref` to be an object');
  const problem =
    lookAlike(params, ['ref', 'argument', 'context', '_meta']) ?? lookAlike(ref, ['type', 'name', 'uri']);
  if (problem !== undefined) return problem;
  const type = field(ref, 'type');
  const named =
    type === 'ref/prompt' ? field(ref, 'name') : type === 'ref/resource' ? field(ref, 'uri') : undefined;
  if (typeof named !== 'string' || named === '') {
    return refused('expected `params.ref` to be {type: "ref/prompt", name} or {type: "ref/resource", uri}');
  }
  return read(`${COMPLETION}${type === 'ref/prompt' ? prefix : ''}${named}`, params);
}

function read(target: string, params: JsonObject): Asked {
  return { ok: true, action: 'read', target, value: params, asTask: false };
}

function refused(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}

/**
 * Readers that fold case (Go's encoding/json) take `Name` for `name`, the last one winning: the server would
 * then act on another value than the one decided. Unknown members that look like nothing known are the
 * protocol's business.
 */
function lookAlike(object: JsonObject, names: readonly string[]): ReturnType<typeof refused> | undefined {
  for (const key of Object.keys(object)) {
    if (names.includes(key)) continue;
    const meant = names.find((name) => fold(name) === fold(key));
    if (meant !== undefined) return refused(`expected \`${meant}\`, got it in another spelling`);
  }
  return undefined;
}

/** Upper case first: it also maps ſ to S; the lower case of the Kelvin sign is k. */
function fold(text: string): string {
  return text.toUpperCase().toLowerCase();
}
