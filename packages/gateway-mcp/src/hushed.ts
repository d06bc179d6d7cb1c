import {
  field,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  stringifyJson,
} from '@provability-fabric/kernel';
import { idKey, MAX_ID_LENGTH, type Notification, type Response } from './message.ts';

// Where results are hidden, whatever else a server says while it works could carry them as well: what is left of it is
// what the protocol needs, and none of the server's words.

const BARE: ReadonlySet<string> = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
]);

/** What is left of a notification; undefined where that is nothing. `progress` counts those of one request. */
export function hushedNotification(
  { method, params }: Notification,
  progress: (token: JsonValue) => number,
): string | undefined {
  const keep = (kept: JsonObject) => `${stringifyJson({ jsonrpc: '2.0', method, params: kept })}\n`;
  if (BARE.has(method)) return `${stringifyJson({ jsonrpc: '2.0', method })}\n`;
  switch (method) {
    case 'notifications/progress': {
      const progressToken = field(params, 'progressToken');
      if (progressToken === undefined || !IS.id(progressToken)) return undefined;
      return keep({ progressToken, progress: progress(progressToken) });
    }
    case 'notifications/cancelled':
      return keep(picked(params, { requestId: IS.id }));
    case 'notifications/resources/updated':
      return keep(picked(params, { uri: IS.text }));
    case 'notifications/tasks/status':
      return keep(bareTask(params));
    default:
      return undefined; // log lines above all
  }
}

/** A response to what only asks for a thing to be done: that it was, or was not. */
export function hushedEmpty(response: Response): string {
  if (!response.body.ok) return hushedTaskResponse(response);
  return `${stringifyJson({ jsonrpc: '2.0', id: response.whole.id ?? null, result: {} })}\n`;
}

/** A response about a task that is not its outcome. */
export function hushedTaskResponse({ body, whole }: Response): string {
  if (!body.ok) {
    const { code } = body.error;
    const error = {
      code: IS.number(code ?? null) ? (code as JsonValue) : 0,
      message: 'the server refused; its words are hidden',
    };
    return `${stringifyJson({ jsonrpc: '2.0', id: whole.id ?? null, error })}\n`;
  }
  return `${stringifyJson({ jsonrpc: '2.0', id: whole.id ?? null, result: bareResult(body.result) })}\n`;
}

function bareResult(result: JsonValue): JsonValue {
  if (!isJsonObject(result)) return {};
  const { tasks, task } = result;
  if (Array.isArray(tasks)) {
    const listed = (tasks as readonly JsonValue[]).map((each) => bareTask(isJsonObject(each) ? each : {}));
    return { tasks: listed, ...picked(result, { nextCursor: IS.text }) };
  }
  if (isJsonObject(task)) return { task: bareTask(task) };
  return bareTask(result);
}

/** A task without its status message. */
function bareTask(task: JsonObject | undefined): JsonObject {
  return picked(task, {
    taskId: IS.text,
    status: IS.state,
    createdAt: IS.instant,
    lastUpdatedAt: IS.instant,
    ttl: (value) => value === null || IS.number(value),
    pollInterval: IS.number,
  });
}

type Fits = (value: JsonValue) => boolean;

const STATES: ReadonlySet<JsonValue> = new Set([
  'working',
  'input_required',
  'completed',
  'failed',
  'cancelled',
]);
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** A member in any other form than the protocol's could say anything. */
const IS = {
  text: (value: JsonValue) => typeof value === 'string' && value.length <= MAX_ID_LENGTH,
  number: (value: JsonValue) => typeof value === 'number' || typeof value === 'bigint',
  id: (value: JsonValue) => idKey(value) !== undefined,
  state: (value: JsonValue) => STATES.has(value),
  instant: (value: JsonValue) => typeof value === 'string' && INSTANT.test(value),
};

function picked(object: JsonObject | undefined, members: Readonly<Record<string, Fits>>): JsonObject {
  const kept: [string, JsonValue][] = [];
  for (const [name, fits] of Object.entries(members)) {
    const value = field(object, name);
    if (value !== undefined && fits(value)) kept.push([name, value]);
  }
  return Object.fromEntries(kept);
}
