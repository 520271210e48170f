// The token stands behind the # of the address: no server, proxy or log has seen it.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  const form = document.querySelector("form");
  const onward = form.elements.onward.value;
  history.replaceState(null, "", location.pathname + location.search);
  const answer = await fetch(form.action, { method: "POST", headers: { Authorization: `Bearer ${token}` } });
  if (answer.ok) location.replace(onward);
  else {
    form.elements.token.value = token;
    form.requestSubmit(); // which says that it is wrong
  }
}

// Another tab may have got in meanwhile.
document.addEventListener("visibilitychange", async () => {
  if (document.hidden || document.querySelector("#token").value) return;
  const { value: onward } = document.querySelector("form").elements.onward;
  const answer = await fetch(onward, { headers: { Accept: "text/html" } }).catch(() => null);
  if (answer?.ok) location.replace(onward);
});
