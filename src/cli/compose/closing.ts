/** What has been opened so far, closed in the opposite order. */
export interface Closing {
  readonly add: (close: () => unknown) => void;
  /** Closes everything, whatever fails on the way. @throws the first failure, once all is closed */
  readonly close: () => Promise<void>;
}

export function createClosing(): Closing {
  const stack: (() => unknown)[] = [];
  return {
    add: (close) => void stack.push(close),
    close: async () => {
      const failures: unknown[] = [];
      for (let close = stack.pop(); close !== undefined; close = stack.pop()) {
        try {
          await close();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
