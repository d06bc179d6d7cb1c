import { field, isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import { type IdKey, MAX_ID_LENGTH } from './message.ts';
import type { Shown } from './ports.ts';

/**
 * A call that the upstream runs as a task (MCP 2025-11-25): certified, sent, its outcome still to be fetched.
 */
export interface Task {
  readonly certificateId: string;
  /** The token of the call's progress stays valid while the task runs. */
  readonly progressKey: IdKey | undefined;
  /** Whether the agent may not see all of the outcome. */
  readonly hides: boolean;
  /** What was recorded of its result, if anything: the same may be fetched again, nothing else. */
  recorded: { readonly digest: string; readonly final: boolean; readonly shown: Shown } | undefined;
}

/**
 * The task id in a CreateTaskResult. Only the bare form counts: beside `task` and `_meta` nothing may reach
 * the agent before the outcome is recorded, so a result with more in it is an ordinary outcome.
 */
export function createdTaskId(result: JsonValue): string | undefined {
  if (!isJsonObject(result)) return undefined;
  if (Object.keys(result).some((name) => name !== 'task' && name !== '_meta')) return undefined;
  const taskId = field(field(result, 'task'), 'taskId');
  return typeof taskId === 'string' && taskId.length <= MAX_ID_LENGTH ? taskId : undefined;
}

/** Which certificate a task's result belongs to. The upstream chooses the ids, so the table is bounded. */
export class TaskTable {
  private readonly byId = new Map<string, Task>();
  private unseen = false;

  constructor(private readonly maxTasks: number) {}

  /** False where the id is taken: one id for two calls would give one of them the other's outcome. */
  add(taskId: string, task: Task): boolean {
    if (this.byId.has(taskId)) return false;
    this.byId.set(taskId, task);
    return true;
  }

  /** Whether the upstream may still be at work on one: nothing final of it was fetched. */
  get hasUnfinished(): boolean {
    for (const { recorded } of this.byId.values()) if (recorded?.final !== true) return true;
    return false;
  }

  /** Whether one is unfinished of which the agent may not see all. */
  get hidesOutcome(): boolean {
    if (this.unseen) return true;
    for (const { recorded, hides } of this.byId.values()) if (hides && recorded?.final !== true) return true;
    return false;
  }

  /** One whose outcome is hidden and that the client never heard of: nobody will see it end. */
  addUnseen(_taskId: string): void {
    this.unseen = true;
  }

  get(taskId: JsonValue | undefined): Task | undefined {
    return typeof taskId === 'string' ? this.byId.get(taskId) : undefined;
  }

  /** Takes out the oldest task of too many. */
  takeSurplus(): Task | undefined {
    if (this.byId.size <= this.maxTasks) return undefined;
    for (const [taskId, task] of this.byId) {
      this.byId.delete(taskId);
      return task;
    }
    return undefined;
  }

  takeAll(): Task[] {
    const tasks = [...this.byId.values()];
    this.byId.clear();
    return tasks;
  }
}
