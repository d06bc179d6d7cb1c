/** As /readyz answers it. */
export interface KillState {
  readonly active: boolean;
  /** Whether SAFEAI_ENABLE lets the governor act. */
  readonly env_enabled: boolean;
  readonly sentinel_exists: boolean;
  /** For people; null while nothing is killed. */
  readonly reason: string | null;
  /** Every source that says so, or that could not be asked: `environment`, `sentinel`, `postgres`, `redis`. */
  readonly sources: readonly string[];
}

export interface KillOrder {
  readonly reason: string;
  readonly by: string;
  /** ms since 1970. */
  readonly at: number;
}

/**
 * One place that can say stop, shared or not. `watch` is told of the first state and of each change, and of `undefined` while the
 * place cannot be asked; then the governor counts as killed.
 */
export interface KillSource {
  readonly name: 'environment' | 'sentinel' | 'postgres' | 'redis';
  watch(told: (state: KillOrder | null | undefined) => void): Promise<{ close(): Promise<void> }>;
  /** Absent: it cannot be switched from here. Durable when it resolves; null revives. */
  set?(order: KillOrder | null): Promise<void>;
}

export interface KillSwitch {
  /** What is known this moment; before all sources have answered, killed. */
  state(): KillState;
  /** Throws KILLED with the reason while active. */
  check(): void;
  /** Sets every source that can be set; resolves when all have. */
  kill(order: KillOrder): Promise<void>;
  revive(order: KillOrder): Promise<void>;
  /** Answers how to stop being told. */
  onChange(told: (state: KillState) => void): () => void;
  close(): Promise<void>;
}
