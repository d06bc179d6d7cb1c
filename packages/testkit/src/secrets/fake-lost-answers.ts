/**
 * The same port, one of whose methods does what it is asked and then fails, once: what a connection that breaks between a
 * commit and its answer looks like. A fake, since a real connection does not break there on demand.
 */
export function fakeLostAnswers<T extends object>(
  port: T,
  methods: readonly (keyof T)[],
): { readonly port: T; readonly loseNextAnswer: () => void } {
  let lose = false;
  const losing = new Proxy(port, {
    get(target, property) {
      const method: unknown = Reflect.get(target, property);
      if (typeof method !== 'function') return method;
      return async (...args: readonly unknown[]) => {
        const answer: unknown = await Reflect.apply(method, target, args);
        if (!lose || !methods.includes(property as keyof T)) return answer;
        lose = false;
        throw new Error('connection terminated');
      };
    },
  });
  return {
    port: losing,
    loseNextAnswer: () => {
      lose = true;
    },
  };
}
