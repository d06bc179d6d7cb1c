import { field, type JsonValue } from '@provability-fabric/kernel';
import type { Disclosure, ServerRequest } from './server-requests.ts';

/**
 * Sampling and elicitation that the client runs as tasks (MCP 2025-11-25): what the server fetches later is the
 * answer, so it is decided as one. The client chooses the ids, so the table is bounded: the oldest is forgotten, and
 * its result can then not be fetched.
 */
export class ClientTasks {
  private readonly byId = new Map<string, { readonly origin: Disclosure; readonly bytes: number }>();
  private bytes = 0;

  constructor(
    private readonly maxTasks: number,
    private readonly maxBytes: number,
  ) {}

  add(taskId: string, { disclosure, bytes }: Pick<ServerRequest, 'disclosure' | 'bytes'>): void {
    if (disclosure === undefined) return;
    this.remove(taskId);
    this.byId.set(taskId, { origin: disclosure, bytes });
    this.bytes += bytes;
    for (const oldest of this.byId.keys()) {
      if (this.byId.size <= this.maxTasks && this.bytes <= this.maxBytes) break;
      this.remove(oldest);
    }
  }

  private remove(taskId: string): void {
    this.bytes -= this.byId.get(taskId)?.bytes ?? 0;
    this.byId.delete(taskId);
  }

  /** What the task of a `tasks/result` was created for. */
  originOf(params: JsonValue | undefined): Disclosure | undefined {
    const taskId = field(params, 'taskId');
    return typeof taskId === 'string' ? this.byId.get(taskId)?.origin : undefined;
  }
}
