import {
  field,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  stringifyJson,
} from '@provability-fabric/kernel';
import type { Notification, Response } from './message.ts';

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
      const progressToken = field(params, 'progressToken') ?? '';
      return keep({ progressToken, progress: progress(progressToken) });
    }
    case 'notifications/cancelled':
      return keep(picked(params, ['requestId']));
    case 'notifications/resources/updated':
      return keep(picked(params, ['uri']));
    case 'notifications/tasks/status':
      return keep(bareTask(params));
    default:
      return undefined; // log lines above all
  }
}

/** A response about a task that is not its outcome. */
export function hushedTaskResponse({ body, whole }: Response): string {
  if (!body.ok) {
    const { code } = body.error;
    const error = { code: code ?? 0, message: 'the server refused; its words are hidden' };
    return `${stringifyJson({ jsonrpc: '2.0', id: whole.id ?? null, error })}\n`;
  }
  return `${stringifyJson({ jsonrpc: '2.0', id: whole.id ?? null, result: bareResult(body.result) })}\n`;
}

function bareResult(result: JsonValue): JsonValue {
  if (!isJsonObject(result)) return {};
  const { tasks, task } = result;
  if (Array.isArray(tasks)) {
    const listed = (tasks as readonly JsonValue[]).map((each) => bareTask(isJsonObject(each) ? each : {}));
    return { tasks: listed, ...picked(result, ['nextCursor']) };
  }
  if (isJsonObject(task)) return { task: bareTask(task) };
  return bareTask(result);
}

/** A task without its status message. */
function bareTask(task: JsonObject | undefined): JsonObject {
  return picked(task, ['taskId', 'status', 'createdAt', 'lastUpdatedAt', 'ttl', 'pollInterval']);
}

function picked(object: JsonObject | undefined, names: readonly string[]): JsonObject {
  const kept: [string, JsonValue][] = [];
  for (const name of names) {
    const value = field(object, name);
    if (value !== undefined) kept.push([name, value]);
  }
  return Object.fromEntries(kept);
}
