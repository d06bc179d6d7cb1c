import type { McpLimits } from './limits.ts';
import type { McpSession } from './session.ts';

/** The sessions of the endpoint. Who holds none of the caller's is told the same as for an id never given. */
export class SessionTable<Caller> {
  private readonly byId = new Map<string, McpSession<Caller>>();
  private readonly counts = new Map<string, number>();

  constructor(private readonly limits: Pick<McpLimits, 'maxSessions' | 'maxSessionsPerCaller'>) {}

  get size(): number {
    return this.byId.size;
  }

  /** The caller's own longest idle session, where it may only have another one in its place. */
  surplusOf(callerKey: string): McpSession<Caller> | undefined {
    if ((this.counts.get(callerKey) ?? 0) < this.limits.maxSessionsPerCaller) return undefined;
    let longest: McpSession<Caller> | undefined;
    for (const session of this.byId.values()) {
      if (session.callerKey !== callerKey || session.idleMs === 0) continue;
      if (longest === undefined || session.idleMs > longest.idleMs) longest = session;
    }
    return longest;
  }

  hasRoomFor(callerKey: string): boolean {
    const own = this.counts.get(callerKey) ?? 0;
    return this.byId.size < this.limits.maxSessions && own < this.limits.maxSessionsPerCaller;
  }

  add(session: McpSession<Caller>): void {
    this.byId.set(session.id, session);
    this.counts.set(session.callerKey, (this.counts.get(session.callerKey) ?? 0) + 1);
  }

  get(id: string, callerKey: string, upstream: string): McpSession<Caller> | undefined {
    const session = this.byId.get(id);
    return session?.callerKey === callerKey && session.upstream === upstream ? session : undefined;
  }

  remove(session: McpSession<Caller>): void {
    if (!this.byId.delete(session.id)) return;
    const left = (this.counts.get(session.callerKey) ?? 1) - 1;
    if (left === 0) this.counts.delete(session.callerKey);
    else this.counts.set(session.callerKey, left);
  }

  all(): McpSession<Caller>[] {
    return [...this.byId.values()];
  }
}
