import type { CheckResult, Effect, Mode, Verdict } from '@provability-fabric/statements';
import type { Finding } from './checks/check.ts';
import type { CompiledBundle } from './compiled-bundle.ts';
import type { Environment } from './input.ts';
import type { LoadedBundle } from './load-bundle.ts';
import { defaultDenyMode, environmentMode, stronger, weaker } from './modes.ts';
import type { CheckName, Reason } from './output.ts';

/** Precedence error > reject > hold > accept (CONTRACTS §4). */
const PRECEDENCE: Readonly<Record<Verdict, number>> = { accept: 0, hold: 1, reject: 2, error: 3 };

interface Combined {
  readonly verdict: Verdict;
  readonly effect: Effect;
  readonly mode: Mode | 'disabled';
  readonly checks: readonly CheckResult[];
  readonly reasons: readonly Reason[];
}

/** Joins what all checks found into one verdict. A finding blocks where the mode in force for it is `enforce`. */
export function combine(
  { ir, checks }: Pick<LoadedBundle, 'ir' | 'checks'>,
  environment: Environment,
  findings: readonly (readonly [CheckName, Finding])[],
): Combined {
  const reasons = findings.map(([check, finding]) => reasonFrom(ir, environment, check, finding));
  const blocking = reasons.filter((reason) => reason.mode === 'enforce');
  const ordered = [...blocking, ...reasons.filter((reason) => reason.mode !== 'enforce')];
  const verdict = worst(reasons);
  return {
    verdict,
    effect: blocking.length === 0 ? 'allow' : worst(blocking) === 'hold' ? 'hold' : 'block',
    mode: modeOf(ir, environment, reasons),
    checks: checks.map((check) => ({
      check,
      verdict: worst(reasons.filter((reason) => reason.check === check)),
    })),
    reasons: ordered,
  };
}

function reasonFrom(
  ir: CompiledBundle,
  environment: Environment,
  check: CheckName,
  finding: Finding,
): Reason {
  const { code, verdict, witness, weakened } = finding;
  const limit = environmentMode(environment, ir.assurance);
  switch (weakened.by) {
    case 'clause':
      return {
        check,
        code,
        verdict,
        witness,
        clause: weakened.id,
        mode: weaker(weakened.mode, limit),
        severity: weakened.severity,
      };
    case 'default_mode': {
      const mode = defaultDenyMode(ir, environment);
      return { check, code, verdict, witness, clause: null, mode, severity: 'medium' };
    }
    case 'nothing':
      return { check, code, verdict, witness, clause: null, mode: 'enforce', severity: 'critical' };
  }
}

function worst(reasons: readonly { readonly verdict: Verdict }[]): Verdict {
  return reasons.reduce<Verdict>(
    (sofar, { verdict }) => (PRECEDENCE[verdict] > PRECEDENCE[sofar] ? verdict : sofar),
    'accept',
  );
}

/** The strongest mode at work: that of the reasons, or where there are none what the environment would have applied. */
function modeOf(ir: CompiledBundle, environment: Environment, reasons: readonly Reason[]): Mode | 'disabled' {
  if (environment.enforcement_mode === 'disabled' && ir.assurance !== 'high') {
    const absolute = reasons.some((reason) => reason.mode === 'enforce');
    return absolute ? 'enforce' : 'disabled';
  }
  const [first, ...rest] = reasons.map((reason) => reason.mode);
  return first === undefined ? environmentMode(environment, ir.assurance) : rest.reduce(stronger, first);
}
