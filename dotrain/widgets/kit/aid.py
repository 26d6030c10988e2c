"""What ipywidgets leaves out for the keyboard and for screen readers, as a script in the page.

A slider's handle, and the number beside it, have no name; what is wrong with a
field does not belong to its control; of buttons that choose one sees which is
pressed, and hears it not; an accordion takes no keys; and a button that is
disabled while it works loses the focus. No trait of ipywidgets says any of that
to the page.
"""

from __future__ import annotations

# It runs in the element with the class "dotrain" that it is in, once. Whatever
# it says is in the page already: names are read from labels.
SCRIPT = """
(root => {
  if (!root || root.dotrainAided) return;
  root.dotrainAided = true;
  let lost = null;
  const set = (element, name, value) => {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  };
  const identify = element => {
    window.dotrainCount = window.dotrainCount || 0;
    if (!element.id) element.id = 'dotrain-' + ++window.dotrainCount;
    return element.id;
  };
  const aid = () => {
    for (const slider of root.querySelectorAll('.widget-slider')) {
      const label = slider.querySelector('.widget-label');
      if (!label) continue;
      const handles = slider.querySelectorAll('.noUi-handle');
      handles.forEach((handle, index) => set(handle, 'aria-label', handles.length < 2
        ? label.textContent : label.textContent + (index ? ', most' : ', least')));
      const readout = slider.querySelector('.widget-readout');
      if (readout && handles.length === 1) set(handles[0], 'aria-valuetext', readout.textContent);
      if (readout && readout.isContentEditable) {
        set(readout, 'role', 'textbox');
        set(readout, 'aria-label', label.textContent + ', typed');
      }
    }
    for (const field of root.querySelectorAll('.dotrain-field')) {
      const said = [...field.querySelectorAll('.dotrain-hint, .dotrain-notice')];
      const wrong = field.querySelector('.dotrain-bad') ? 'true' : 'false';
      for (const control of field.querySelectorAll('input, select, textarea, [role=slider]')) {
        if (said.length) set(control, 'aria-describedby', said.map(identify).join(' '));
        else control.removeAttribute('aria-describedby');
        set(control, 'aria-invalid', wrong);
      }
    }
    // What stands on a button in short, its title says in full.
    for (const button of root.querySelectorAll('button.dotrain-named'))
      if (button.title) set(button, 'aria-label', button.title);
    const choosing = '.widget-toggle-buttons button, .widget-toggle-button';
    for (const button of root.querySelectorAll(choosing))
      set(button, 'aria-pressed', String(button.classList.contains('mod-active')));
    for (const header of root.querySelectorAll('.jupyter-widget-Collapse-header')) {
      const open = header.parentElement.classList.contains('jupyter-widget-Collapse-open');
      set(header, 'aria-expanded', String(open));
      set(header, 'role', 'button');
      set(header, 'tabindex', '0');
    }
    if (lost && !lost.disabled && lost.isConnected) {
      if (document.activeElement === document.body) lost.focus();
      lost = null;
    }
  };
  root.addEventListener('keydown', event => {
    if (!event.target.matches('.jupyter-widget-Collapse-header')) return;
    if (event.key !== 'Enter' && event.key !== ' ') return;
    // Enter would edit the cell.
    event.preventDefault();
    event.stopPropagation();
    event.target.click();
  });
  let last = null;
  root.addEventListener('focusin', event => { last = event.target; });
  root.addEventListener('focusout', event => { if (!event.target.disabled) last = null; });
  new MutationObserver(changes => {
    if (!lost && changes.some(one => one.target === last && one.target.disabled)) {
      lost = last;
      // Once: what stays with the page would keep all that was ever shown in it.
      document.addEventListener('focusin', () => { lost = null; }, { once: true });
    }
    aid();
  }).observe(root, {
    attributes: true, attributeFilter: ['class', 'disabled'], childList: true, subtree: true,
  });
  aid();
})(this.closest('.dotrain'))
"""
