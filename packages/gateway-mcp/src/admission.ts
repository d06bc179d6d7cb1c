import { field, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import type { Question } from './forwarder.ts';
import { idKey, type Request, type RequestId } from './message.ts';
import { isOwnCall } from './own-tool.ts';
import type { Pending, PendingKind, PendingTable } from './pending.ts';
import type { Decider } from './ports.ts';
import { INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, REFUSED } from './refusal.ts';
import { routeOf, taskIdOf } from './routes.ts';
import type { TaskTable } from './tasks.ts';

export type Admission =
  | { readonly ok: true; readonly pending: Pending; readonly question?: Question | undefined }
  | {
      readonly ok: false;
      /** Null where an answer under the request's own id would be taken for another's. */
      readonly id: RequestId | null;
      readonly rpcCode: number;
      readonly code: AdmissionCode;
      readonly text: string;
    };

type AdmissionCode = 'ID_IN_USE' | 'UNKNOWN_METHOD' | 'TOO_MANY_PENDING' | 'INVALID_PARAMS' | 'NOT_PERMITTED';

export interface AdmissionParts {
  readonly decider: Pick<Decider, 'hiding'>;
  readonly pending: PendingTable;
  readonly tasks: TaskTable;
  readonly maxPending: number;
  /** Before the names of this upstream's tools and prompts, as the policy knows them. */
  readonly targetPrefix: string;
}

/** Whether a well-formed request may wait for its turn, and what has to be decided about it then. */
export function admit(request: Request, parts: AdmissionParts): Admission {
  const { pending: table, tasks, maxPending, targetPrefix } = parts;
  const { id, key, method } = request;
  const params = request.params ?? {};
  const refuse = (rpcCode: number, code: AdmissionCode, text: string): Admission => {
    return { ok: false, id, rpcCode, code, text };
  };
  if (table.isInUse(key)) {
    const text = 'expected a new request id, got one in use';
    const answered = table.get(key) === undefined ? id : null;
    return { ok: false, id: answered, rpcCode: INVALID_REQUEST, code: 'ID_IN_USE', text };
  }
  const route = routeOf(method);
  if (route === undefined) {
    const text = `expected a method of MCP 2025-11-25, got \`${printable(method)}\`; no other is forwarded`;
    return refuse(METHOD_NOT_FOUND, 'UNKNOWN_METHOD', text);
  }
  if (table.size >= maxPending) {
    const text = `expected at most ${maxPending} requests under way; wait for some to be answered`;
    return refuse(REFUSED, 'TOO_MANY_PENDING', text);
  }
  switch (route.kind) {
    case 'pass':
    case 'list-tools':
      return { ok: true, pending: newPending(request, route.kind) };
    case 'task-result': {
      const taskId = taskIdOf(params);
      const task = tasks.get(taskId);
      if (task !== undefined) {
        return {
          ok: true,
          pending: newPending(request, 'task-result', {
            taskId,
            progressKey: task.progressKey,
            hides: task.hides,
          }),
        };
      }
      const text =
        'refused: NOT_PERMITTED: expected the `taskId` of a task that a call of this session created';
      return refuse(REFUSED, 'NOT_PERMITTED', text);
    }
    case 'decide': {
      const asked = route.ask(params, isOwnCall(method, params, parts) ? '' : targetPrefix);
      if (!asked.ok) return refuse(INVALID_PARAMS, 'INVALID_PARAMS', asked.reason);
      const { action, target, value, asTask } = asked;
      return {
        ok: true,
        pending: newPending(request, action, { asTask, target }),
        question: { action, target, value, beside: besideOf(request, action, params) },
      };
    }
  }
}

/** What is sent on as it is: all of a call but its arguments; of a read, which is decided with its parameters, its id. */
function besideOf({ id }: Request, action: 'call' | 'read', params: JsonObject): JsonValue {
  if (action === 'read') return { id };
  const { name: _target, arguments: _decided, ...rest } = params;
  return { id, ...rest };
}

function newPending(
  { id, key, method, params }: Request,
  kind: PendingKind,
  more: {
    asTask?: boolean;
    target?: string;
    taskId?: string | undefined;
    progressKey?: string | undefined;
    hides?: boolean;
  } = {},
): Pending {
  return {
    id,
    key,
    method,
    kind,
    target: more.target ?? '',
    fromTheStart: field(params, 'cursor') === undefined,
    asTask: more.asTask ?? false,
    taskId: more.taskId,
    progressKey: idKey(field(field(params, '_meta'), 'progressToken')) ?? more.progressKey,
    stage: 'queued',
    certificateId: undefined,
    hides: more.hides ?? false,
    abandoned: false,
  };
}

/** The client chose it: short, and nothing that could act on a terminal. */
function printable(method: string): string {
  return method.slice(0, 64).replace(/[^\x20-\x7e]/g, '?');
}
