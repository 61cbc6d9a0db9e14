// A tab's draft: what Launch's sidebar holds and no run was made of yet. It lies in the tab's own store, which a reload
// leaves alone and no other tab sees, together with the run in the address. Each new session of the tab is handed it
// once, unless another run has been opened since.
export default function ({ data, setTriggerValue }) {
  const slot = `orb.draft ${location.pathname}`;
  try {
    if (data.session && window.orbDraftSession !== data.session) {
      window.orbDraftSession = data.session;
      const kept = JSON.parse(sessionStorage.getItem(slot));
      if (kept && (!data.run || kept.run === data.run)) {
        setTriggerValue("found", String(kept.draft));
        return;
      }
    }
    if (data.draft) sessionStorage.setItem(slot, JSON.stringify({ run: data.run, draft: data.draft }));
    else sessionStorage.removeItem(slot);
  } catch {
    // The store is closed to pages or full, or holds what is not ours: nothing is kept, all else works.
  }
}
