/** A fresh store for each test, disposed of however the test ends. */
import type { OpenStore, StoreUnderTest } from "../store.contract.ts";

export function withStore(open: OpenStore, test: (under: StoreUnderTest) => Promise<void>): () => Promise<void> {
  return async () => {
    const under = await open();
    try {
      await test(under);
    } finally {
      await under.dispose();
    }
  };
}
