"""Module 5 in JupyterLab, cell by cell, and its buttons, which break things."""

from playwright.sync_api import expect


def test_what_a_button_breaks_heals(target_home, open_module):
    notebook = open_module("5-break-it.ipynb")
    panel = notebook.cell("fault_buttons(")
    last = notebook.cell("check.unbroken")
    for number in range(panel + 1):
        notebook.run(number)
    chart = notebook.output(notebook.cell("live_chart(")).get_by_role("status")
    expect(chart).to_contain_text("in the last minute")
    said = notebook.output(panel).get_by_role("status")
    expect(said).to_contain_text("Predict, then press.")
    notebook.output(panel).get_by_title("kill -9: agent").click()
    notebook.output(panel).get_by_title("Inject this fault").first.click()
    expect(said).to_contain_text("agent killed")
    expect(said).to_contain_text("more")
    notebook.output(panel).scroll_into_view_if_needed()
    notebook.screenshot("module-5-broken")
    expect(said).to_contain_text("is over; counted again after")
    assert said.inner_text().count("counted again after") == 2
    for number in range(panel + 1, last + 1):
        notebook.run(number)
    rebuilt = notebook.output(notebook.cell("check.rebuilt"))
    expect(rebuilt).to_contain_text("are in the table again, as they were")
    rebuilt.scroll_into_view_if_needed()
    notebook.screenshot("module-5-rebuilt")
    expect(notebook.output(last)).to_contain_text("0 missing and 0 double")
    account = notebook.cell("ledger(cloud)")
    notebook.run(account)
    notebook.output(account).scroll_into_view_if_needed()
    notebook.screenshot("module-5-ledger")
    assert notebook.serious_findings() == []
