import type { JsonObject, JsonValue } from '@provability-fabric/kernel';
import type { Answer } from '../../respond.ts';
import type { Call, GuardedRoute, PublicRoute } from '../../route.ts';
import type { AuthzenOptions } from '../ports.ts';
import { EVALUATION, evaluate } from './evaluate.ts';
import { evaluateAll } from './evaluate-all.ts';
import { parseBatch, parseEvaluation } from './evaluation-shapes.ts';

/** OpenID AuthZEN Authorization API 1.0, sections 6 (evaluation), 7 (evaluations) and 9 (metadata). */
export function authzenRoutes(options: AuthzenOptions): readonly (GuardedRoute | PublicRoute)[] {
  const { publicUrl } = options;
  const guarded = { kind: 'guarded', method: 'POST', strictType: true } as const;
  const single = (call: Call, body: JsonValue | undefined) => evaluate(options, call, parseEvaluation(body));
  return [
    { ...guarded, pattern: '/access/v1/evaluation', serve: (call: Call) => single(call, call.body) },
    {
      ...guarded,
      pattern: '/access/v1/evaluations',
      serve(call: Call) {
        const batch = parseBatch(call.body);
        return batch === null ? single(call, call.body) : evaluateAll(options, call, batch);
      },
    },
    ...(publicUrl === undefined ? [] : [metadataRoute(publicUrl)]),
  ];
}

function metadataRoute(publicUrl: string): PublicRoute {
  const base = publicUrl.replace(/\/+$/, '');
  const body: JsonObject = {
    policy_decision_point: base,
    access_evaluation_endpoint: `${base}${EVALUATION}`,
    access_evaluations_endpoint: `${base}/access/v1/evaluations`,
  };
  const answer: Answer = { status: 200, body };
  return {
    kind: 'public',
    method: 'GET',
    pattern: '/.well-known/authzen-configuration',
    serve: async () => answer,
  };
}
