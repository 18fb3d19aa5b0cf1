/* Cuts a query into words: Latin ones as they stand, Chinese ones greedily, the longest that the search index knows first. */
var splitQuery = (query) => {
  const known = (word) => Object.hasOwn(Search._index.terms, word) || Object.hasOwn(Search._index.titleterms, word);
  const cut = (run) => {
    const words = [];
    for (let start = 0; start < run.length; ) {
      let end = run.length;
      while (end > start && !known(run.slice(start, end))) end -= 1;
      if (end > start) words.push(run.slice(start, end));
      start = Math.max(end, start + 1); // a character that no page has as a word is passed over
    }
    return words.length ? words : [run];
  };
  const runs = query.match(/\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{L}\p{N}_])+/gu) || [];
  return runs.flatMap((run) => (/^\p{Script=Han}/u.test(run) && Search._index ? cut(run) : [run]));
};
