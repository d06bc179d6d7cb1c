import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Enforcer } from '@provability-fabric/enforcement';
import { formatLabel } from '@provability-fabric/kernel';
import type { Logger } from 'pino';

/**
 * Lets `pkill -USR1 sidecar-watcher` find this process and write its state. The kernel cuts names at 15 characters,
 * and a title cannot outgrow the old argv, so the short name is set where pkill looks. Node's own answer to SIGUSR1,
 * opening a debugger port, is replaced by this handler.
 */
export function dumpStateOnSignal(name: string, folder: string, enforcer: Enforcer, log: Logger): void {
  process.title = name;
  try {
    writeFileSync('/proc/self/comm', name.slice(0, 15));
  } catch {
    // not Linux: the title alone has to do
  }
  process.on('SIGUSR1', () => {
    dumpState(folder, enforcer).then(
      (path) => log.info({ event: 'state_dump', tags: [], path }, 'state dumped'),
      (error: unknown) =>
        log.error({ event: 'state_dump_failed', tags: ['ERROR'], problem: String(error) }, 'no dump'),
    );
  });
}

/** Sessions with labels, positions and counters; no argument, result, prompt or key. Mode 0600, never over an old dump. */
async function dumpState(folder: string, enforcer: Enforcer): Promise<string> {
  const sessions = (await enforcer.snapshot()).map(({ tenant, session, seq, state }) => ({
    tenant,
    session,
    seq,
    time: state.time,
    epoch: state.epoch,
    enforcement_mode: state.environment.enforcement_mode,
    label: formatLabel(state.flow.label),
    automata: {
      states: state.trace.states,
      registers: state.trace.registers,
      waiting: state.trace.waiting.size,
    },
    limits: state.limits.map(({ times, first }) => times.length - first),
    prompts: state.flow.provenance.prompts.length,
    results: state.flow.provenance.results.length,
    held: [...state.holds].map(([ticket, { target, decisions }]) => ({
      ticket,
      target,
      decisions: decisions.length,
    })),
    pending: [...state.pending].map(([certificate, { target }]) => ({ certificate, target })),
    ambiguous: [...state.ambiguous].map(([certificate, { target }]) => ({ certificate, target })),
  }));
  const at = new Date().toISOString();
  const { heapUsed, rss } = process.memoryUsage();
  const dump = { at, pid: process.pid, node: process.version, memory: { heapUsed, rss }, sessions };
  const path = join(folder, `state-dump-${at.replace(/[:.]/g, '-')}.json`);
  writeFileSync(path, `${JSON.stringify(dump, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  return path;
}
